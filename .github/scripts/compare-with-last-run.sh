#!/usr/bin/env bash
# compare-with-last-run.sh ARTEFACT FOLDER: compare the runs in FOLDER with the last run of this workflow, on this
# branch, that left verdicts in ARTEFACT, and put the comparison into the job's summary. Only a run without errors
# leaves any. Ends with 1 where a check passed then and does not now, and with 0 where no run has left verdicts yet.
set -euo pipefail
artefact=$1 now=$2

tell() {
  echo "$*"
  printf '\n%s\n' "$*" >> "$GITHUB_STEP_SUMMARY"
}

repository=repos/$GITHUB_REPOSITORY/actions
workflow=$(gh api "$repository/runs/$GITHUB_RUN_ID" --jq .workflow_id)
runs=$(gh run list --repo "$GITHUB_REPOSITORY" --workflow "$workflow" --branch "$BRANCH" --status completed --limit 30 \
  --json databaseId --jq ".[].databaseId | select(. < $GITHUB_RUN_ID)")
for run in $runs; do
  there=$(gh api "$repository/runs/$run/artifacts?name=$artefact" --jq '[.artifacts[] | select(.expired | not)] | length')
  if [ "$there" -gt 0 ]; then
    last=$(mktemp -d)/run-$run
    gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$artefact" --dir "$last"
    status=0
    ./noxw -s compare -- "$last" "$now" --regressions > comparison.txt || status=$?
    cat comparison.txt
    tell "### Compared with [the last run that was whole]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$run)"
    { echo '`````text'; cat comparison.txt; echo '`````'; } >> "$GITHUB_STEP_SUMMARY"
    exit "$status"
  fi
done
tell "No earlier run of this workflow on $BRANCH left verdicts: there is nothing to compare with yet."
