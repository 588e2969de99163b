#!/usr/bin/env bash
# compile.sh DIR: does tenk-probe compile without a warning for sm_80, sm_90 and sm_100, and does
# it end as it should on an unknown option and without a GPU? Objects are kept in DIR; only what
# is older than its sources is compiled. 77: there is no nvcc, nothing was done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
out=${1:?usage: compile.sh DIR}
PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
if ! command -v nvcc > /dev/null; then
  echo "SKIPPED: there is no nvcc, so calibration/probes was not compiled for GPUs"
  exit 77
fi
mkdir -p "$out"
sources=calibration/probes
newest=$(find "$sources" -name '*.h' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
compile() {
  object=$1/$(basename "$2").o
  [[ $object -nt $2 && $object -nt $3 ]] && return
  nvcc -std=c++17 -O1 -I. -gencode arch=compute_80,code=sm_80 \
    -gencode arch=compute_90,code=sm_90 -gencode arch=compute_100,code=sm_100 \
    -Werror all-warnings -Xcompiler -Wall,-Wextra,-Werror -c "$2" -o "$object.part"
  mv "$object.part" "$object"
}
export -f compile
ls "$sources"/*.cu "$sources"/*.cpp | xargs -P "$(nproc)" -I {} bash -c "compile '$out' {} '$newest'"
nvcc "$out"/*.o -o "$out/tenk-probe" -ldl
echo "compiled without a warning for sm_80, sm_90 and sm_100 in $SECONDS s"

expect() {
  local wanted=$1 got=0
  shift
  "$@" > "$out/output" 2>&1 || got=$?
  if [[ $got != "$wanted" || $(wc -l < "$out/output") != 1 ]]; then
    cat "$out/output"
    echo "$* ended with $got, expected $wanted and one line"
    exit 1
  fi
  cat "$out/output"
}
expect 2 "$out/tenk-probe" --sceonds 5
if nvidia-smi -L > /dev/null 2>&1; then
  echo "there is a GPU: the end without one is not tried"
else
  expect 5 "$out/tenk-probe" -o "$out/run"
fi
