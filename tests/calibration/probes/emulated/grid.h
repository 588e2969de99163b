// How does a grid of CUDA threads run on one host thread?
//
// Blocks run one after the other; the threads of a block are fibers that run until they wait for
// their block or warp, or end. Shared memory is static (one block lives at a time), so that a
// missing barrier that another order of threads would show can stay unseen; whoever reads what
// nobody wrote is seen, since dynamic shared memory is poisoned before each block.
#pragma once
#include <cstdint>
#include <cstring>
#include <functional>

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  // NOLINTNEXTLINE: CUDA's converts from one number.
  dim3(unsigned ax = 1, unsigned ay = 1, unsigned az = 1) : x(ax), y(ay), z(az) {}
};

namespace emulated {

// The thread that runs now.
struct Here {
  dim3 thread, block, block_size, grid_size;
};
const Here& here();

void run_grid(const std::function<void()>& kernel, dim3 grid, dim3 block, std::int64_t shared);
void wait_for_block();
void wait_for_warp();
void* dynamic_shared();
double milliseconds();
float power_of_2(float x);

// The 64-byte slot of a lane of this warp.
void* slot(int lane);
int lane();

// The value of the lane whose number differs by `lanes` in exclusive or.
template <class T>
T exchange(T value, int lanes) {
  static_assert(sizeof(T) <= 64, "a slot holds 64 bytes");
  std::memcpy(slot(lane()), &value, sizeof(T));
  wait_for_warp();
  T out;
  std::memcpy(&out, slot(lane() ^ lanes), sizeof(T));
  wait_for_warp();
  return out;
}

// ldmatrix.x4, mma.m16n8k16 (BF16) and cp.async as in PTX (calibration/probes/mma.h).
void load_matrices(std::uint32_t out[4], const void* row, bool transposed);
void multiply_add(float c[4], const std::uint32_t a[4], std::uint32_t b0, std::uint32_t b1);
void copy_16(void* to, const void* from, int bytes);

}  // namespace emulated
