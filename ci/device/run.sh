#!/bin/sh
# Everything that needs a GPU, in at most ten minutes: run it in the bundle's folder on the machine that has one.
#
#     sh run.sh [FOLDER FOR RESULTS]      needs python3 with pytest and pytest-xdist; compares with CuPy, PyTorch and JAX
#                                         where they are installed
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/results}
mkdir -p "$out"
cd "$here" || exit 1
site=$(mktemp -d)
python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" ./*.whl || exit 1
export PYTHONPATH="$site" PYTHONUNBUFFERED=1
failed=0
check() { # name, seconds, command...
    name=$1 seconds=$2
    shift 2
    if timeout "$seconds" "$@" >"$out/$name.log" 2>&1; then
        echo "$name: passed"
    else
        echo "$name: FAILED ($?), see $out/$name.log"
        failed=1
    fi
}
python3 -c "import maniple; print(maniple.machine()['text'], maniple.machine()['absent'])" | tee "$out/machine.log"
check device 60 env MANIPLE_ON=cuda python3 check.py
# Alone on the machine, for the figures.
check bench 200 python3 bench/gpu.py --json "$out/gpu.json"
grep "moves\|maniple" "$out/bench.log"
# The compiler of kernels, where it came as a Python package.
packages=$(python3 -c "import sysconfig; print(sysconfig.get_paths()['purelib'])")
check links 60 ./bench-links --repeat 5 --json "$out/links.json"
check native 120 ./bench-gpu --repeat 5 --site "$packages" --json "$out/native.json"
cat "$out/links.log" "$out/native.log"
# Together: these measure nothing.
check sanitizer 150 compute-sanitizer --error-exitcode 9 python3 check.py &
check fuzz 200 python3 python/tests/fuzz.py --seeds 0-150 --settings gpu --jobs 3 &
check fuzz-mixed 200 python3 python/tests/fuzz.py --seeds 0-100 --settings gpumixed --jobs 2 &
check examples 200 env MANIPLE_ON=cuda python3 examples/compare.py --quick &
check tests 200 env MANIPLE_ON=cuda python3 -m pytest -q -n 8 -m "not slow" python/tests --tb=short \
    -p no:cacheprovider &
wait
tail -n 3 "$out/tests.log" "$out/fuzz.log" "$out/fuzz-mixed.log" "$out/sanitizer.log"
grep -h "PASS\|FAIL" "$out/examples.log"
# Where work goes by itself, at full size: what a user sees.
check speed 120 python3 examples/compare.py black_scholes heat2d mandelbrot nbody jacobi cavity_flow
grep -h "PASS\|FAIL" "$out/speed.log"
exit $failed
