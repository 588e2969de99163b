#include "tests/calibration/probes/emulated/grid.h"

#include <ucontext.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

namespace emulated {
namespace {

constexpr std::size_t kStack = 256 * 1024;
constexpr unsigned kLanes = 32;

enum class State { kReady, kWaitsForWarp, kWaitsForBlock, kDone };

using Jump = std::array<void*, 5>;  // As __builtin_setjmp wants it.

struct Fiber {
  ucontext_t context{};  // For its first start.
  Jump jump{};           // Where it stopped.
  std::unique_ptr<char[]> stack{new char[kStack]};
  State state = State::kDone;
  bool started = false;
  dim3 thread;
};

struct Machine {
  std::vector<std::unique_ptr<Fiber>> fibers;
  Jump scheduler{};
  Here here;
  unsigned running = 0;
  unsigned threads = 0;
  const std::function<void()>* kernel = nullptr;
  std::vector<char> shared;
  std::vector<std::array<char, 64>> slots;
};

// The one machine; the pointer never changes.
Machine& machine() {
  static Machine* const kMachine = new Machine;
  return *kMachine;
}

[[gnu::noinline]] void jump_to(Jump& jump) { __builtin_longjmp(jump.data(), 1); }

// Back to the scheduler until it resumes this fiber.
[[gnu::noinline]] void wait(State state) {
  Machine& m = machine();
  Fiber& fiber = *m.fibers[m.running];
  fiber.state = state;
  if (__builtin_setjmp(fiber.jump.data()) == 0) jump_to(m.scheduler);
}

// A fiber does one block after another: its stack is made once.
void body() {
  while (true) {
    (*machine().kernel)();
    wait(State::kDone);
  }
}

void start(unsigned i) {
  Machine& m = machine();
  if (m.fibers.size() <= i) m.fibers.push_back(std::make_unique<Fiber>());
  Fiber& fiber = *m.fibers[i];
  fiber.state = State::kReady;
  const dim3& size = m.here.block_size;
  fiber.thread = {i % size.x, i / size.x % size.y, i / size.x / size.y};
  if (fiber.started) return;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStack;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, body, 0);
}

[[gnu::noinline]] void enter(Fiber& fiber) {
  if (fiber.started) jump_to(fiber.jump);
  fiber.started = true;
  setcontext(&fiber.context);
}

[[gnu::noinline]] void resume(unsigned i) {
  Machine& m = machine();
  m.running = i;
  m.here.thread = m.fibers[i]->thread;
  if (__builtin_setjmp(m.scheduler.data()) == 0) enter(*m.fibers[i]);
}

// Wakes the threads from `begin` to `end` if each of them waits so or has ended.
bool release(unsigned begin, unsigned end, State state) {
  Machine& m = machine();
  bool any = false;
  for (unsigned i = begin; i < end; ++i) {
    const State is = m.fibers[i]->state;
    if (is != state && is != State::kDone) return false;
    any = any || is == state;
  }
  for (unsigned i = begin; i < end; ++i) {
    if (m.fibers[i]->state == state) m.fibers[i]->state = State::kReady;
  }
  return any;
}

void run_block() {
  Machine& m = machine();
  for (unsigned i = 0; i < m.threads; ++i) start(i);
  for (bool progress = true; progress;) {
    progress = false;
    for (unsigned i = 0; i < m.threads; ++i) {
      if (m.fibers[i]->state != State::kReady) continue;
      resume(i);
      progress = true;
    }
    for (unsigned warp = 0; warp < m.threads; warp += kLanes) {
      const unsigned end = warp + kLanes < m.threads ? warp + kLanes : m.threads;
      progress = release(warp, end, State::kWaitsForWarp) || progress;
    }
    progress = release(0, m.threads, State::kWaitsForBlock) || progress;
  }
  for (unsigned i = 0; i < m.threads; ++i) {
    if (m.fibers[i]->state != State::kDone) std::abort();  // Threads wait at different barriers.
  }
}

float value(std::uint32_t bf16) {
  const std::uint32_t bits = bf16 << 16;
  float out = 0;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

}  // namespace

const Here& here() { return machine().here; }
void wait_for_block() { wait(State::kWaitsForBlock); }
void wait_for_warp() { wait(State::kWaitsForWarp); }
void* dynamic_shared() {
  const auto at = reinterpret_cast<std::uintptr_t>(machine().shared.data());
  return reinterpret_cast<void*>((at + 127) / 128 * 128);
}
int lane() { return static_cast<int>(machine().running % kLanes); }
void* slot(int lane) {
  return machine().slots[machine().running / kLanes * kLanes + static_cast<unsigned>(lane)].data();
}
float power_of_2(float x) { return std::exp2(x); }

double milliseconds() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void run_grid(const std::function<void()>& kernel, dim3 grid, dim3 block, std::int64_t shared) {
  Machine& m = machine();
  m.kernel = &kernel;
  m.threads = block.x * block.y * block.z;
  m.here.grid_size = grid;
  m.here.block_size = block;
  m.slots.resize(m.threads + kLanes);
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        m.here.block = {x, y, z};
        m.shared.assign(static_cast<std::size_t>(shared) + 256, static_cast<char>(0xFF));
        run_block();
      }
    }
  }
}

void load_matrices(std::uint32_t out[4], const void* row, bool transposed) {
  const void* mine = row;
  std::memcpy(slot(lane()), &mine, sizeof(mine));
  wait_for_warp();
  const int g = lane() / 4;
  const int t = lane() % 4;
  for (int i = 0; i < 4; ++i) {
    std::uint32_t pair[2] = {};
    for (int j = 0; j < 2; ++j) {
      const int r = transposed ? 2 * t + j : g;
      const int c = transposed ? g : 2 * t + j;
      const std::uint16_t* from = nullptr;
      std::memcpy(&from, slot(8 * i + r), sizeof(from));
      pair[j] = from[c];
    }
    out[i] = pair[0] | pair[1] << 16;
  }
  wait_for_warp();
}

void multiply_add(float c[4], const std::uint32_t a[4], std::uint32_t b0, std::uint32_t b1) {
  const std::array<std::uint32_t, 6> mine = {a[0], a[1], a[2], a[3], b0, b1};
  std::memcpy(slot(lane()), mine.data(), sizeof(mine));
  wait_for_warp();
  const auto held = [](int of_lane, int index, int half) {
    std::array<std::uint32_t, 6> theirs;
    std::memcpy(theirs.data(), slot(of_lane), sizeof(theirs));
    return value(theirs[static_cast<std::size_t>(index)] >> (16 * half) & 0xFFFFu);
  };
  for (int i = 0; i < 4; ++i) {
    const int row = lane() / 4 + i / 2 * 8;
    const int column = lane() % 4 * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      const float x = held(row % 8 * 4 + k % 8 / 2, row / 8 + k / 8 * 2, k % 2);
      const float y = held(column * 4 + k % 8 / 2, 4 + k / 8, k % 2);
      c[i] += x * y;
    }
  }
  wait_for_warp();
}

void copy_16(void* to, const void* from, int bytes) {
  std::memset(to, 0, 16);
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

}  // namespace emulated
