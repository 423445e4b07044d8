#include "optimize/optimize.h"

#include <array>

#include "optimize/layout/passes.h"
#include "optimize/passes.h"

#define CALIB8_REWRITE(pass) \
  TflitePass {               \
    #pass, &pass, nullptr    \
  }
#define CALIB8_SWEEP(pass) \
  TflitePass {             \
    #pass, nullptr, &pass  \
  }

namespace calib8 {
namespace {

using TflitePass = Pass<TfliteGraph>;

// Four lists, each run until it changes nothing any more.

/// 1. Every TRANSPOSE goes down until it meets its inverse.
constexpr std::array layout = {
    CALIB8_REWRITE(fold_transpose_of_constant),     // Weights first, so that what follows sees constants.
    CALIB8_REWRITE(cancel_transposes),              // First and often: what is gone needn't be moved.
    CALIB8_REWRITE(sink_transpose_through_unary),   // Then down, the commonest neighbours first,
    CALIB8_REWRITE(sink_transpose_through_binary),  // in execution order, so that one sweep goes a long way:
    CALIB8_REWRITE(sink_transpose_through_pad),     // the operator below a moved TRANSPOSE
    CALIB8_REWRITE(sink_transpose_through_reduction),  // comes next in the same sweep.
    CALIB8_REWRITE(
        sink_transpose_through_concatenation),        // Needs all parts transposed alike: after those that
    CALIB8_REWRITE(sink_transpose_through_slice),     // bring them there.
    CALIB8_REWRITE(sink_transpose_through_split),     //
    CALIB8_REWRITE(sink_transpose_through_softmax),   //
    CALIB8_REWRITE(sink_transpose_through_reshape),   // The end of the way in most CNNs: [N,C,1,1] -> [N,C].
    CALIB8_REWRITE(raise_transpose_through_reshape),  // Only where sinking failed: channel shuffle.
    CALIB8_REWRITE(absorb_transpose_into_fully_connected),  // Where RESHAPE really flattens an image.
};

/// 2. What is left meets operands without a TRANSPOSE, or moves nothing. Both would have hidden what list 1
/// cancels.
constexpr std::array late_layout = {
    CALIB8_REWRITE(
        reshape_operand_to_sink_transpose),  // Before the next: it would turn both sides into RESHAPEs.
    CALIB8_REWRITE(replace_transpose_with_reshape),  //
};

/// 3. Fewer and better operators.
constexpr std::array simplification = {
    CALIB8_SWEEP(remove_unused_operators),          // "Read by one operator" must not count dead readers.
    CALIB8_REWRITE(remove_noop),                    // So that what it stood between become neighbours.
    CALIB8_REWRITE(merge_reshapes),                 // Layout leaves chains of them.
    CALIB8_SWEEP(merge_equal_operators),            // Before patterns that look for one common x.
    CALIB8_SWEEP(order_operands),                   // Constants second: the patterns below expect them there.
    CALIB8_REWRITE(replace_global_pool_with_mean),  // Before the next, which looks for MEAN.
    CALIB8_REWRITE(merge_reshape_into_mean),        // After merge_reshapes: needs the RESHAPE right behind.
    CALIB8_REWRITE(fold_arithmetic_into_convolution),       // Before activations: a fused one would block it.
    CALIB8_REWRITE(fold_arithmetic_into_next_convolution),  // Only what the convolution before couldn't take.
    CALIB8_REWRITE(fuse_activation),                        // Into what is left.
    CALIB8_REWRITE(fuse_hard_swish),                        // Its ADD has its RELU6 fused by now.
    CALIB8_REWRITE(merge_pads),              // Before SAME: it wants the whole padding in one PAD.
    CALIB8_REWRITE(fold_pad_into_same),      // -inf before it is replaced by 0: always exact.
    CALIB8_REWRITE(pad_max_pool_with_zero),  // Needs fused activations to know what can't be negative.
};

/// 4. One form for one network.
constexpr std::array finish = {
    CALIB8_SWEEP(order_operands),           // Decides the order in which the next walks.
    CALIB8_SWEEP(sort_operators),           // Execution order, and no tensor that isn't read.
    CALIB8_SWEEP(share_integer_constants),  // The first in execution order stays: after sorting.
    CALIB8_SWEEP(name_tensors),             // Last: numbers names by that order.
};

/// Towards int8 on LiteRT's CPU, i.e. XNNPACK. Each line's source: docs/tflite-int8.md, sections C and D.
constexpr std::array int8_litert_cpu = {
    CALIB8_REWRITE(expand_hard_swish),  // 0.62 ms as it stands, 0.016 as elementwise integers.
    CALIB8_REWRITE(replace_average_pool_with_convolution),  // 0.165 ms -> 0.028.
    CALIB8_REWRITE(nest_concatenation),                     // XNNPACK takes 2 to 5 parts.
    CALIB8_REWRITE(replace_split_with_slices),              // XNNPACK takes 2 to 4 parts.
    CALIB8_REWRITE(replace_arithmetic_without_int8_form),   // DIV and NEG are wrong in int8; MUL is right.
};

constexpr std::array all_lists = {
    std::span<const TflitePass>(layout), std::span<const TflitePass>(late_layout),
    std::span<const TflitePass>(simplification), std::span<const TflitePass>(finish),
    std::span<const TflitePass>(int8_litert_cpu)};

/// Runs a list and adds what it did to the report; not at all once the report says stopped.
void run(TfliteGraph& graph, std::span<const TflitePass> passes, const PassOptions& options,
         PassReport& report) {
  if (report.stopped) return;
  PassReport own = run_passes(graph, passes, options);
  report.passes.insert(report.passes.end(), own.passes.begin(), own.passes.end());
  report.stopped = own.stopped;
}

std::vector<TflitePass> layout_with_reshapes() {
  std::vector<TflitePass> passes(layout.begin(), layout.end());
  passes.insert(passes.end(), late_layout.begin(), late_layout.end());
  return passes;
}

}  // namespace

PassReport optimize(TfliteGraph& graph, const OptimizeOptions& options) {
  PassReport report;
  run(graph, layout, options.passes, report);
  run(graph, layout_with_reshapes(), options.passes, report);
  run(graph, simplification, options.passes, report);
  run(graph, finish, options.passes, report);
  return report;
}

PassReport prepare_for_int8(TfliteGraph& graph, Target target, const OptimizeOptions& options) {
  PassReport report;
  switch (target) {
    case Target::litert_cpu:
      run(graph, int8_litert_cpu, options.passes, report);
      break;
  }
  run(graph, finish, options.passes, report);
  return report;
}

std::vector<std::string_view> optimize_pass_names() {
  std::vector<std::string_view> names;
  for (const auto& list : all_lists) {
    for (const TflitePass& pass : list) names.push_back(pass.name);
  }
  return names;
}

}  // namespace calib8
