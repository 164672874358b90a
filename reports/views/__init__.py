"""What renderers show, as frozen values: every decision is taken here, templates only loop over it."""
