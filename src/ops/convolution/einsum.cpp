// Einsum of one or two tensors and more, two at a time: transposed to matrices, multiplied, transposed back.

#include <algorithm>
#include <cctype>
#include <map>

#include "ops/all_ops.h"
#include "ops/convolution/spectrum.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"

namespace calib8 {
namespace {

/// An equation: a letter for each dimension of each operand, and of the result. Dimensions of an ellipsis are
/// capital letters that the equation doesn't have.
struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

std::string without_spaces(const std::string& text) {
  std::string result;
  std::copy_if(text.begin(), text.end(), std::back_inserter(result), [](char c) { return c != ' '; });
  return result;
}

/// "..." as so many unused letters, counted from the end, as ellipses broadcast.
std::string with_ellipsis(const NodeView& view, const std::string& term, std::size_t rank) {
  constexpr std::string_view unused = "\x01\x02\x03\x04\x05\x06\x07\x08";
  const std::size_t at = term.find("...");
  if (at == std::string::npos) return term;
  const std::size_t letters = term.size() - 3;
  if (rank < letters || rank - letters > unused.size()) view.fail("its equation doesn't fit its inputs");
  const std::size_t count = rank - letters;
  return term.substr(0, at) + std::string(unused.substr(unused.size() - count)) + term.substr(at + 3);
}

Equation equation_of(const NodeView& view) {
  const std::string text = without_spaces(view.node.get_string("equation", ""));
  const std::size_t arrow = text.find("->");
  Equation equation;
  std::string left = text.substr(0, arrow);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    const std::size_t comma = std::min(left.find(','), left.size());
    const std::string term = left.substr(0, comma);
    const std::size_t rank = view.input_type(i).shape->size();
    equation.operands.push_back(with_ellipsis(view, term, rank));
    if (equation.operands.back().size() != rank)
      view.fail("its equation '" + text + "' doesn't fit its inputs");
    if (term.find("...") != std::string::npos) longest = std::max(longest, rank - (term.size() - 3));
    left.erase(0, std::min(comma + 1, left.size()));
  }
  if (!left.empty()) view.fail("its equation '" + text + "' has more terms than inputs");
  if (arrow != std::string::npos) {
    const std::string term = text.substr(arrow + 2);
    const bool has_ellipsis = term.find("...") != std::string::npos;
    equation.result = has_ellipsis ? with_ellipsis(view, term, term.size() - 3 + longest) : term;
  } else {  // those that occur once, by the alphabet
    std::map<char, int> counts;
    for (const std::string& term : equation.operands)
      for (const char letter : term) ++counts[letter];
    for (const auto& [letter, count] : counts)
      if (count == 1 || letter < ' ') equation.result += letter;
  }
  return equation;
}

std::map<char, Dimension> sizes_of(const NodeView& view, const Equation& equation) {
  std::map<char, Dimension> sizes;
  for (std::size_t i = 0; i < equation.operands.size(); ++i) {
    const Dimensions& shape = *view.input_type(i).shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const auto [found, is_new] = sizes.emplace(equation.operands[i][axis], shape[axis]);
      if (!is_new && found->second.size == 1) found->second = shape[axis];
    }
  }
  return sizes;
}

std::vector<OnnxType> infer_einsum(const NodeView& view) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i)
    if (!view.input_type(i).has_rank()) return {{view.input_type(0).dtype, std::nullopt}};
  const Equation equation = equation_of(view);
  const auto sizes = sizes_of(view, equation);
  OnnxType type{view.input_type(0).dtype, Dimensions{}};
  for (const char letter : equation.result) {
    const auto found = sizes.find(letter);
    if (found == sizes.end()) view.fail("its result has a letter that no input has");
    type.shape->push_back(found->second);
  }
  return {type};
}

/// A tensor and what its dimensions are called.
struct Named {
  TensorId tensor;
  std::string letters;
};

/// The letters in this order; all are there.
Named arranged(Formula& f, const Named& x, const std::string& letters) {
  std::vector<std::int64_t> permutation;
  for (const char letter : letters) permutation.push_back(static_cast<std::int64_t>(x.letters.find(letter)));
  return {f.transpose(x.tensor, permutation), letters};
}

/// Sums over what nobody wants any more.
Named summed(Formula& f, const Named& x, const std::string& wanted) {
  std::vector<std::int64_t> axes;
  Shape left;
  std::string letters;
  for (std::size_t axis = 0; axis < x.letters.size(); ++axis) {
    if (wanted.find(x.letters[axis]) == std::string::npos) {
      axes.push_back(static_cast<std::int64_t>(axis));
    } else {
      letters += x.letters[axis];
      left.push_back(f.shape(x.tensor)[axis]);
    }
  }
  if (axes.empty()) return x;
  return {f.reshape(f.reduce<tflite::Sum>(x.tensor, axes), left), letters};
}

/// The letters of `of` that are (or aren't) in `in`.
std::string filtered(const std::string& of, const std::string& in, bool are_in) {
  std::string result;
  for (const char letter : of)
    if ((in.find(letter) != std::string::npos) == are_in) result += letter;
  return result;
}

Shape sizes_at(const Formula& f, const Named& x, const std::string& letters) {
  Shape sizes;
  for (const char letter : letters) sizes.push_back(f.shape(x.tensor)[x.letters.find(letter)]);
  return sizes;
}

std::int64_t product_of(const Shape& sizes) {
  return element_count(sizes).value_or(0);
}

/// The sizes along these letters, of which either may be 1.
Shape broadcast_shape_of(const Formula& f, const Named& a, const Named& b, const std::string& letters) {
  Shape sizes = sizes_at(f, a, letters);
  const Shape others = sizes_at(f, b, letters);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = std::max(sizes[i], others[i]);
  return sizes;
}

//   a [batch, rows, depth] times b [batch, columns, depth]   ->   BATCH_MATMUL
Named multiplied(Formula& f, Named a, Named b, const std::string& wanted) {
  a = summed(f, a, wanted + b.letters);
  b = summed(f, b, wanted + a.letters);
  const std::string both = filtered(a.letters, b.letters, true);
  const std::string batch = filtered(both, wanted, true), depth = filtered(both, wanted, false);
  const std::string rows = filtered(a.letters, both, false), columns = filtered(b.letters, both, false);
  const Shape of_batch = broadcast_shape_of(f, a, b, batch);
  a = arranged(f, a, batch + rows + depth);
  b = arranged(f, b, batch + columns + depth);
  const Shape of_rows = sizes_at(f, a, rows), of_columns = sizes_at(f, b, columns);
  if (depth.empty() && (rows.empty() || columns.empty())) {  // a product of elements
    Shape x = sizes_at(f, a, batch), y = sizes_at(f, b, batch);
    x.insert(x.end(), of_rows.begin(), of_rows.end());
    x.insert(x.end(), of_columns.size(), 1);
    y.insert(y.end(), of_rows.size(), 1);
    y.insert(y.end(), of_columns.begin(), of_columns.end());
    return {f.mul(f.reshape(a.tensor, x), f.reshape(b.tensor, y)), batch + rows + columns};
  }
  const Shape of_depth = sizes_at(f, a, depth);
  const std::int64_t count = product_of(of_depth);
  const auto matrix = [&](const Named& x, const Shape& lines) {
    Shape shape = sizes_at(f, x, batch);
    // Batches of different sizes broadcast, so they keep their axes; equal ones are one.
    if (sizes_at(f, a, batch) == sizes_at(f, b, batch)) shape = {product_of(shape)};
    shape.insert(shape.end(), {product_of(lines), count});
    return f.reshape(x.tensor, shape);
  };
  const TensorId x = matrix(a, of_rows), y = matrix(b, of_columns);
  const TensorId product = f.matmul(x, y, true);
  Shape result = of_batch;
  result.insert(result.end(), of_rows.begin(), of_rows.end());
  result.insert(result.end(), of_columns.begin(), of_columns.end());
  return {f.reshape(product, result), batch + rows + columns};
}

Refusal lower_einsum(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const Equation equation = equation_of(lowering);
  for (const std::string& term : equation.operands) {
    std::string sorted = term;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return "a diagonal in its equation";
  }
  Formula f(lowering);
  Named result{f.input(0), equation.operands[0]};
  for (std::size_t i = 1; i < equation.operands.size(); ++i) {
    std::string wanted = equation.result;
    for (std::size_t later = i + 1; later < equation.operands.size(); ++later)
      wanted += equation.operands[later];
    result = multiplied(f, result, {f.input(i), equation.operands[i]}, wanted);
  }
  result = arranged(f, summed(f, result, equation.result), equation.result);
  f.result(result.tensor);
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Einsum", .inputs = {1, any_number}, .infer = infer_einsum, .lower = lower_einsum},
    {.type = "DFT", .inputs = {1, 3}, .infer = infer_dft, .lower = lower_dft},
    {.type = "STFT", .inputs = {2, 4}, .infer = infer_stft, .lower = lower_stft},
};

}  // namespace

const OpFamily& einsum_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
