// torch.nn.functional.scaled_dot_product_attention.

#include <cmath>
#include <limits>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

constexpr float masked = -std::numeric_limits<float>::infinity();

/// 0 where a query sees a key, and minus infinity where it doesn't: those up to its own place.
OnnxValueId causal_mask(OperatorCall& call, std::int64_t queries, std::int64_t keys) {
  constexpr std::int64_t most = 1 << 26;
  if (queries > most / std::max<std::int64_t>(keys, 1)) call.fail("looks at more than any network does");
  std::vector<float> mask(static_cast<std::size_t>(queries * keys), 0);
  for (std::int64_t i = 0; i < queries; ++i) {
    for (std::int64_t k = i + 1; k < keys; ++k) mask[static_cast<std::size_t>(i * keys + k)] = masked;
  }
  return call.constant(make_tensor({queries, keys}, std::move(mask)));
}

OnnxValueId mask_of(OperatorCall& call, std::int64_t queries, std::int64_t keys) {
  const OnnxValueId mask = call.tensor_or_none("attn_mask");
  if (!mask.exists()) return call.flag("is_causal", false) ? causal_mask(call, queries, keys) : mask;
  if (call.dtype(mask) != DType::boolean) return mask;
  return call.emit("Where", {mask, call.number_constant(0), call.number_constant(masked)});
}

/// Heads of keys and values that several heads of queries share, each as often as it is used.
OnnxValueId repeat_heads(OperatorCall& call, OnnxValueId x, std::int64_t heads) {
  const Shape sizes = call.shape(x);
  const std::size_t at = sizes.size() - 3;
  if (sizes[at] == heads) return x;
  if (sizes[at] == 0 || heads % sizes[at] != 0) call.fail("can't share its heads evenly");
  Shape repeated = sizes;
  repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(at) + 1, heads / sizes[at]);
  Shape whole = sizes;
  whole[at] = heads;
  return call.reshape(call.expand(call.unsqueeze(x, at + 1), repeated), whole);
}

/// softmax(q @ k^T * scale + mask) @ v, over the last two dimensions.
OnnxValueId attention(OperatorCall& call) {
  const OnnxValueId query = call.tensor("query");
  OnnxValueId key = call.tensor("key"), value = call.tensor("value");
  if (call.number("dropout_p", 0) != 0) call.fail("drops elements: export the model after model.eval()");
  const Shape queries = call.shape(query);
  const std::size_t rank = queries.size();
  if (rank < 2 || call.rank(key) != rank || call.rank(value) != rank)
    call.fail("takes queries, keys and values of as many dimensions");
  if (call.flag("enable_gqa", false) && rank > 2) {
    key = repeat_heads(call, key, queries[rank - 3]);
    value = repeat_heads(call, value, queries[rank - 3]);
  }
  const double width = static_cast<double>(std::max<std::int64_t>(queries[rank - 1], 1));
  const double scale = call.number("scale", 1 / std::sqrt(width));
  Integers swapped(rank);
  for (std::size_t i = 0; i < rank; ++i) swapped[i] = static_cast<std::int64_t>(i);
  std::swap(swapped[rank - 1], swapped[rank - 2]);
  const OnnxValueId scaled = scale == 1 ? query : call.emit("Mul", {query, call.number_constant(scale)});
  OnnxValueId scores = call.emit("MatMul", {scaled, call.transpose(key, swapped)});
  const OnnxValueId mask = mask_of(call, queries[rank - 2], call.shape(key)[rank - 2]);
  if (mask.exists()) scores = call.emit("Add", {scores, mask});
  return call.emit("MatMul", {call.emit("Softmax", {scores}, {{"axis", std::int64_t{-1}}}), value});
}

constexpr OperatorRow rows[] = {
    {"aten.scaled_dot_product_attention", attention},
};

}  // namespace

std::span<const OperatorRow> attention_operators() {
  return rows;
}

}  // namespace calib8
