// DualPipe (DeepSeek-AI 2024, DeepSeek-V3 report, section 3.2.1 and figure 5; order of passes as in
// the public code deepseek-ai/DualPipe): two copies of the model cross p stages in opposite
// directions, half of the micro-batches each, so that a forward of one and a backward of the other
// run as a pair, in which each hides the communication of the other. Around that main part
// backwards are cut in two, as in ZB-H1. Each stage holds the weights of two parts and p + 1
// micro-batches. The bubble is (p/2 - 1)(F&B + B - 3W) for pairs of F&B, whole backwards of B and
// weight gradients of W (table 2 of the report), if all of a pair's results leave at its end and
// F = B - W = W; ours leave when they are there.
#include <algorithm>
#include <array>
#include <deque>

#include "workloads/schedules/schedule.h"

namespace tenk {
namespace {

std::string refusal(const PipelineShape& shape) {
  if (shape.chunks != 1) return "it takes vpp 1; each stage holds one part of either direction";
  if (shape.stages % 2 != 0) return "it takes an even number of stages";
  if (shape.micro_batches % 2 != 0) return "it takes an even number of micro-batches";
  if (shape.micro_batches < 2 * shape.stages) {
    return "it takes at least two micro-batches a stage: " + std::to_string(2 * shape.stages);
  }
  return "";
}

// Collects passes. `near`: the direction that starts at the closer end of the pipeline, or the
// other one; chunk 0 starts at stage 0.
class Order {
 public:
  Order(bool second_half, std::size_t size) : second_half_(second_half) { steps.reserve(size); }

  void forward(bool near) { add(PassKind::kForward, near, forwards_); }
  void backward(bool near, bool cut = false) {
    add(cut ? PassKind::kBackwardInput : PassKind::kBackward, near, backwards_);
    if (cut) put_off_.push_back(steps.back());
  }
  void weight() {
    steps.push_back(put_off_.front());
    steps.back().pass = PassKind::kBackwardWeight;
    put_off_.pop_front();
  }
  void pair(bool near) {
    forward(near);
    steps.back().with_next = true;
    backward(!near);
  }

  std::vector<PipelineStep> steps;

 private:
  void add(PassKind pass, bool near, std::array<std::int64_t, 2>& count) {
    const std::int64_t chunk = near == second_half_ ? 1 : 0;
    steps.push_back({pass, chunk, count[static_cast<std::size_t>(chunk)]++});
  }

  bool second_half_;
  std::array<std::int64_t, 2> forwards_{}, backwards_{};
  std::deque<PipelineStep> put_off_;
};

std::vector<PipelineStep> steps(const PipelineShape& shape, std::int64_t stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t depth = std::min(stage, p - 1 - stage);  // Distance from the closer end,
  const std::int64_t inner = p / 2 - depth - 1;               // and from the middle.
  const std::int64_t half = shape.micro_batches / 2;
  Order order(stage >= p / 2, static_cast<std::size_t>(3 * shape.micro_batches));
  for (std::int64_t i = 0; i < 2 * inner; ++i) order.forward(true);
  for (std::int64_t i = 0; i <= depth; ++i) {
    order.forward(true);
    order.forward(false);
  }
  for (std::int64_t i = 0; i < inner; ++i) {
    order.backward(false, true);
    order.weight();
    order.forward(false);
  }
  for (std::int64_t i = 0; i < half - p + depth + 1; ++i) {
    order.pair(true);
    if (i == 0 && inner == 0) order.steps[order.steps.size() - 2].with_next = false;
    order.pair(false);
  }
  for (std::int64_t i = 0; i < inner; ++i) {
    order.backward(false);
    order.pair(false);
  }
  bool cut = false;  // From half of these on, weights are left for later.
  for (std::int64_t i = 0; i <= depth; ++i) {
    const bool turns = i == (depth + 1) / 2;
    cut = cut || (turns && depth % 2 == 1);
    order.backward(false, cut);
    cut = cut || turns;
    order.backward(true, cut);
  }
  for (std::int64_t i = 0; i < inner; ++i) {
    order.weight();
    order.backward(true, true);
  }
  for (std::int64_t i = 0; i <= depth; ++i) order.weight();
  return order.steps;
}

}  // namespace

extern const ScheduleKind kDualPipe{
    .name = "dualpipe",
    .summary = "two directions at once, forward and backward in pairs; two parts a stage",
    .refusal = refusal,
    .steps = steps,
    .both_ways = true};

}  // namespace tenk
