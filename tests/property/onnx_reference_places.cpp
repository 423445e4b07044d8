// What picks, places and contracts elements: Gather*, Scatter*, OneHot, Trilu, Einsum.
#include <map>
#include <set>
#include <stdexcept>

#include "onnx_reference.h"

namespace calib8::property {
namespace {

std::int64_t from_start(std::int64_t index, std::int64_t size) {
  if (index < 0) index += size;
  if (index < 0 || index >= size) throw std::logic_error("an index out of range");
  return index;
}

Array gathered_elements(const Array& x, const Array& indices, std::size_t axis) {
  const Ints strides = strides_of(x.shape), places = strides_of(indices.shape), all = integers_of(indices);
  return build(indices.shape, [&](Index index) {
    index[axis] = from_start(all[offset_at(places, index)], x.shape[axis]);
    return x.elements[offset_at(strides, index)];
  });
}

/// Calls visit(index of the data's element, number of the update) for each update of a ScatterND, or element
/// of a GatherND, whose rows name the first dimensions.
template <class Visit>
void for_each_named(const Array& indices, const Shape& shape, std::size_t batch, Visit visit) {
  const Ints all = integers_of(indices);
  const auto named = static_cast<std::size_t>(indices.shape.back());
  const Shape block(shape.begin() + static_cast<std::ptrdiff_t>(batch + named), shape.end());
  const std::size_t per_batch = [&] {
    std::size_t count = 1;
    for (std::size_t i = batch; i + 1 < indices.shape.size(); ++i)
      count *= static_cast<std::size_t>(indices.shape[i]);
    return count;
  }();
  std::size_t number = 0;
  for (std::size_t row = 0; row * named < all.size(); ++row) {
    Index index(batch + named);
    std::size_t rest = row / per_batch;
    for (std::size_t axis = batch; axis-- > 0;) {
      index[axis] = static_cast<std::int64_t>(rest) % shape[axis];
      rest /= static_cast<std::size_t>(shape[axis]);
    }
    for (std::size_t i = 0; i < named; ++i)
      index[batch + i] = from_start(all[row * named + i], shape.at(batch + i));
    build(block, [&](const Index& inner) {
      Index whole = index;
      whole.insert(whole.end(), inner.begin(), inner.end());
      visit(whole, number++);
      return Real{};
    });
  }
}

Array scattered(const Array& data, const Array& updates, bool adds,
                const std::vector<std::pair<std::size_t, std::size_t>>& places) {
  Array result = data;
  for (const auto& [to, from] : places) {
    const Real update = updates.elements.at(from);
    result.elements[to] = adds ? result.elements[to] + update : update;
  }
  return result;
}

Array einsum(const std::string& equation, const Operands& in) {
  const std::size_t arrow = equation.find("->");
  std::vector<std::string> terms(1);
  for (const char letter : equation.substr(0, arrow)) {
    if (letter == ',') {
      terms.emplace_back();
    } else {
      terms.back() += letter;
    }
  }
  const std::string result = equation.substr(arrow + 2);
  std::map<char, std::int64_t> sizes;
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t axis = 0; axis < terms[i].size(); ++axis)
      sizes[terms[i][axis]] = in.at(i)->shape.at(axis);
  Shape shape, rest;
  std::string summed;
  for (const char letter : result) shape.push_back(sizes.at(letter));
  for (const auto& [letter, size] : sizes) {
    if (result.find(letter) != std::string::npos) continue;
    summed += letter;
    rest.push_back(size);
  }
  return build(shape, [&](const Index& index) {
    Sum sum;
    build(rest, [&](const Index& inner) {
      std::map<char, std::int64_t> at;
      for (std::size_t i = 0; i < result.size(); ++i) at[result[i]] = index[i];
      for (std::size_t i = 0; i < summed.size(); ++i) at[summed[i]] = inner[i];
      Real product{1, 0};
      for (std::size_t i = 0; i < terms.size(); ++i) {
        Index place;
        for (const char letter : terms[i]) place.push_back(at.at(letter));
        product = product * in[i]->elements[offset_at(strides_of(in[i]->shape), place)];
      }
      sum.add(product);
      return Real{};
    });
    return sum.total();
  });
}

}  // namespace

std::vector<Array> evaluate_places(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (op == "If") return {in[0]->elements.at(0).value != 0 ? *in.at(1) : *in.at(2)};
  const bool adds = node.get_string("reduction", "none") == "add";
  if (op == "GatherElements")
    return {gathered_elements(*in.at(0), *in.at(1), axis_of(node.get_int("axis", 0), in[0]->shape.size()))};
  if (op == "GatherND") {
    const auto batch = static_cast<std::size_t>(node.get_int("batch_dims", 0));
    const Shape& from = in.at(0)->shape;
    Shape shape(in.at(1)->shape.begin(), in[1]->shape.end() - 1);
    shape.insert(shape.end(), from.begin() + static_cast<std::ptrdiff_t>(batch) + in[1]->shape.back(),
                 from.end());
    Array result{shape, {}, in[0]->dtype};
    for_each_named(*in[1], from, batch, [&](const Index& index, std::size_t) {
      result.elements.push_back(in[0]->elements[offset_at(strides_of(from), index)]);
    });
    return {result};
  }
  if (op == "ScatterND" || op == "ScatterElements") {
    const Array &data = *in.at(0), &indices = *in.at(1), &updates = *in.at(2);
    std::vector<std::pair<std::size_t, std::size_t>> places;
    const Ints strides = strides_of(data.shape);
    if (op == "ScatterND") {
      for_each_named(indices, data.shape, 0, [&](const Index& index, std::size_t number) {
        places.emplace_back(offset_at(strides, index), number);
      });
    } else {
      const std::size_t axis = axis_of(node.get_int("axis", 0), data.shape.size());
      const Ints all = integers_of(indices);
      std::size_t number = 0;
      build(indices.shape, [&](Index index) {
        index[axis] = from_start(all[number], data.shape[axis]);
        places.emplace_back(offset_at(strides, index), number++);
        return Real{};
      });
    }
    std::set<std::size_t> taken;
    for (const auto& [to, from] : places)
      if (!adds && !taken.insert(to).second) throw std::logic_error("two updates of one place");
    return {scattered(data, updates, adds, places)};
  }
  if (op == "OneHot") {
    const std::int64_t depth = integers_of(*in.at(1)).at(0);
    Shape shape = in.at(0)->shape;
    const std::size_t axis = axis_of(node.get_int("axis", -1), shape.size() + 1);
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
    const Ints strides = strides_of(in[0]->shape);
    return {build(shape, [&](Index index) {
      const std::int64_t place = index[axis];
      index.erase(index.begin() + static_cast<std::ptrdiff_t>(axis));
      const Real wanted = in[0]->elements[offset_at(strides, index)];
      const double at = wanted.value < 0 ? wanted.value + static_cast<double>(depth) : wanted.value;
      const Real off = in.at(2)->elements.at(0), on = in[2]->elements.at(1);
      Real result = at == static_cast<double>(place) ? on : off;
      if (wanted.error > 0) result.error += std::abs(on.value - off.value);
      return result;
    })};
  }
  if (op == "Trilu") {
    const std::int64_t diagonal = in.size() > 1 && in[1] ? integers_of(*in[1]).at(0) : 0;
    const bool upper = node.get_int("upper", 1) != 0;
    const Ints strides = strides_of(in.at(0)->shape);
    return {build(in[0]->shape, [&](const Index& index) {
      const std::int64_t distance = index.back() - index.at(index.size() - 2);
      const bool is_kept = upper ? distance >= diagonal : distance <= diagonal;
      return is_kept ? in[0]->elements[offset_at(strides, index)] : Real{0, 0};
    })};
  }
  if (op == "Einsum") return {einsum(node.get_string("equation", ""), in)};
  return {};
}

}  // namespace calib8::property
