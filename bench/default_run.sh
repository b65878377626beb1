#!/usr/bin/env bash
# Times the default run, cold, in a fresh clone: wall time, peak memory of all its processes, disk;
# then a dry run, and what a job costs before its work begins.
set -euo pipefail
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone --quiet . "$clone"
cd "$clone"

# Samples the resident memory of this session's processes, shared pages counted once (PSS).
python - "$$" <<'PYTHON' &
import sys, time, psutil
root, peak = psutil.Process(int(sys.argv[1])), 0
while root.is_running():
    total = 0
    for process in root.children(recursive=True):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            pass
    if total > peak:
        peak = total
        open("peak", "w").write(f"{peak / 1e9:.2f} GB")
    time.sleep(0.5)
PYTHON
sampler=$!

begin=$(date +%s.%N)
snakemake --cores all --quiet all -- results/map_table.csv 2>log || { cat log; exit 1; }
end=$(date +%s.%N)
kill "$sampler"
echo "default run: $(echo "$end - $begin" | bc) s, peak memory $(cat peak), disk $(du -sh --exclude=.git . | cut -f1)"
cat results/map_table.csv
echo "dry run:"
time snakemake -n --quiet all
echo "a program's imports, up to its first line of work:"
time python -c "
from scripts import train
import lfb.checkpoints, lfb.training, zarr"
