"""The judgement: a folder per API, a file per behaviour."""
