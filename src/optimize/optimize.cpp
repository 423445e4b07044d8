#include "optimize/optimize.h"

#include <algorithm>
#include <array>

#include "ops/verify.h"
#include "optimize/layout/passes.h"
#include "optimize/pass_entry.h"
#include "optimize/passes.h"
#include "optimize/targets/targets.h"

namespace calib8 {
namespace {

// Four lists, each run until it changes nothing any more. Within a sweep operators come in execution order,
// so a TRANSPOSE that one moves is met again by the next below it.

/// 1. Every TRANSPOSE goes down until it meets its inverse.
constexpr std::array layout = {
    // While results still have their own module's name.
    CALIB8_REWRITE(name_weights),
    // What follows sees constants then, which go into any order.
    CALIB8_REWRITE(fold_transpose_of_constant),
    // Before they move: what is gone needn't be moved.
    CALIB8_REWRITE(cancel_transposes),
    // Down through every kind of operator in one sweep; the list of them is in layout/sink_transpose.cpp.
    CALIB8_REWRITE(sink_transpose),
    // Only where sinking failed: channel shuffle.
    CALIB8_REWRITE(raise_transpose_through_reshape),
    // Only where sinking failed because RESHAPE flattens a whole image. It copies weights, so it comes last.
    CALIB8_REWRITE(absorb_transpose_into_fully_connected),
};

/// 2. List 1 again, and what it must not meet too early, because it would hide what is about to cancel.
constexpr std::array late_layout = {
    // An operand that will never have a TRANSPOSE of its own.
    CALIB8_REWRITE(reshape_operand_to_sink_transpose),
    // After the line above, which wants a TRANSPOSE on the other side.
    CALIB8_REWRITE(replace_transpose_with_reshape),
};

/// 3. Fewer and better operators.
constexpr std::array simplification = {
    // Dead readers would count where a pattern wants a result that is read once.
    CALIB8_SWEEP(remove_unused_operators),
    // What it stood between become neighbours, as the patterns want them.
    CALIB8_REWRITE(remove_noop),
    // Lowering leaves them, and layout has turned their parts.
    CALIB8_REWRITE(fold_concatenation_of_constants),
    // Layout leaves chains of them.
    CALIB8_REWRITE(merge_reshapes),
    // Patterns look for one common operand, not for two equal ones.
    CALIB8_SWEEP(merge_equal_operators),
    // Before any pass that looks for one.
    CALIB8_REWRITE(fuse_softmax),
    // Before what moves into convolutions: they take products in.
    CALIB8_REWRITE(replace_arithmetic_without_int8_form),
    // The patterns below expect constants second.
    CALIB8_SWEEP(order_operands),
    // Gives the next pass its MEAN.
    CALIB8_REWRITE(replace_global_pool_with_mean),
    // After merge_reshapes: needs the RESHAPE right behind.
    CALIB8_REWRITE(merge_reshape_into_mean),
    // Before activations are fused: arithmetic can't pass one.
    CALIB8_REWRITE(fold_arithmetic_into_convolution),
    // Only what the convolution before it couldn't take.
    CALIB8_REWRITE(fold_arithmetic_into_next_convolution),
    // Into what is left.
    CALIB8_REWRITE(fuse_activation),
    // Gives the next pass its ADD.
    CALIB8_REWRITE(replace_masking_select_with_add),
    // Before masks are bounded: asks which rows are masked throughout.
    CALIB8_REWRITE(fold_nan_guard),
    // Once masks are constants, and those of two sums one.
    CALIB8_REWRITE(bound_infinite_mask),
    // Looks for an ADD that has its RELU6 fused.
    CALIB8_REWRITE(fuse_hard_swish),
    // SAME wants the whole padding in one PAD.
    CALIB8_REWRITE(merge_pads),
    // Before -inf becomes 0: with -inf it holds whatever the signs.
    CALIB8_REWRITE(fold_pad_into_same),
    // Fused activations tell it what can't be negative.
    CALIB8_REWRITE(pad_max_pool_with_zero),
    // XNNPACK takes 2 to 5 parts, in float too.
    CALIB8_REWRITE(nest_concatenation),
    // And splits into 2 to 4.
    CALIB8_REWRITE(replace_split_with_slices),
};

/// 4. One form for one network.
constexpr std::array finish = {
    // After all that removes copies and merges equal operators.
    CALIB8_SWEEP(separate_outputs),
    // Likewise.
    CALIB8_REWRITE(separate_factors),
    // The next pass visits operands in this order.
    CALIB8_SWEEP(order_operands),
    // Execution order, and no tensor that isn't read.
    CALIB8_SWEEP(sort_operators),
    // The first in execution order stays.
    CALIB8_SWEEP(share_integer_constants),
    // By that order, and only what is left.
    CALIB8_SWEEP(name_tensors),
};

constexpr std::array all_lists = {
    std::span<const TflitePass>(layout), std::span<const TflitePass>(late_layout),
    std::span<const TflitePass>(simplification), std::span<const TflitePass>(finish)};

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

PassReport prepare_for_integers(TfliteGraph& graph, const TargetTraits& target,
                                const OptimizeOptions& options) {
  PassReport report;
  run(graph, target.integer_passes, options.passes, report);
  run(graph, finish, options.passes, report);
  return report;
}

std::vector<std::string_view> optimize_pass_names() {
  std::vector<std::string_view> names;
  for (const auto& list : all_lists) {
    for (const TflitePass& pass : list) {
      if (std::find(names.begin(), names.end(), pass.name) == names.end()) names.push_back(pass.name);
    }
  }
  for (const TargetTraits* target : all_targets()) {
    for (const TflitePass& pass : target->integer_passes) {
      if (std::find(names.begin(), names.end(), pass.name) == names.end()) names.push_back(pass.name);
    }
  }
  return names;
}

}  // namespace calib8
