#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace calib8 {

/// A strong index: an Id of one kind can't be used for another.
template <class Tag>
struct Id {
  static constexpr std::uint32_t absent = 0xffffffffu;
  std::uint32_t index = absent;

  bool exists() const { return index != absent; }
  friend auto operator<=>(Id, Id) = default;
};

/// The common skeleton of both graphs: values that are written by at most one node, nodes in execution order,
/// and who uses what. It knows nothing of what values and nodes mean.
///
/// ValueT is any struct; NodeT has `std::vector<Id<ValueT>> inputs, outputs` (an absent id is an omitted
/// optional input). Ids stay valid for the life of the graph; a removed node or value is never handed out
/// again. References stay valid too, until the thing is removed.
///
/// A node's `inputs` and `outputs` are changed by the functions below only, everything else in it freely.
template <class ValueT, class NodeT>
class Dataflow {
 public:
  using ValueId = Id<ValueT>;
  using NodeId = Id<NodeT>;

  /// Values that come from outside, and those that go there, in the signature's order.
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  void set_inputs(std::vector<ValueId> values) { inputs_ = std::move(values); }
  void set_outputs(std::vector<ValueId> values) { outputs_ = std::move(values); }

  ValueId add_value(ValueT value) {
    values_.push_back({std::move(value), {}, {}});
    return {static_cast<std::uint32_t>(values_.size() - 1)};
  }
  /// Adds a node behind all others.
  NodeId append(NodeT node) { return insert(std::move(node), NodeId{}); }
  /// Adds a node right before another.
  NodeId insert_before(NodeId next, NodeT node) { return insert(std::move(node), next); }
  /// Adds a node right behind another.
  NodeId insert_after(NodeId previous, NodeT node) {
    return insert(std::move(node), nodes_[previous.index].next);
  }

  ValueT& operator[](ValueId id) { return values_[check(id)].value; }
  const ValueT& operator[](ValueId id) const { return values_[check(id)].value; }
  NodeT& operator[](NodeId id) { return nodes_[check(id)].node; }
  const NodeT& operator[](NodeId id) const { return nodes_[check(id)].node; }
  bool is_alive(NodeId id) const { return id.index < nodes_.size() && nodes_[id.index].alive; }

  /// The node that writes the value; absent for inputs and constants.
  NodeId producer(ValueId id) const { return values_[check(id)].producer; }
  /// The nodes that read the value, once per use, in no particular order.
  const std::vector<NodeId>& users(ValueId id) const { return values_[check(id)].users; }
  bool is_output(ValueId id) const {
    return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
  }
  bool is_input(ValueId id) const { return std::find(inputs_.begin(), inputs_.end(), id) != inputs_.end(); }
  /// True where exactly one node reads the value once and it isn't an output of the graph.
  bool has_single_use(ValueId id) const { return users(id).size() == 1 && !is_output(id); }

  void set_input(NodeId node, std::size_t position, ValueId value) {
    ValueId& slot = nodes_[check(node)].node.inputs.at(position);
    drop_user(slot, node);
    slot = value;
    note_user(value, node);
  }
  void set_inputs_of(NodeId node, std::vector<ValueId> values) {
    NodeT& changed = nodes_[check(node)].node;
    for (const ValueId old : changed.inputs) drop_user(old, node);
    changed.inputs = std::move(values);
    for (const ValueId fresh : changed.inputs) note_user(fresh, node);
  }
  /// Lets the node write `value` at that position in place of what it wrote before. `value` has no producer
  /// yet.
  void set_output(NodeId node, std::size_t position, ValueId value) {
    ValueId& slot = nodes_[check(node)].node.outputs.at(position);
    if (slot.exists() && values_[slot.index].producer == node) values_[slot.index].producer = {};
    slot = value;
    assert(!values_[check(value)].producer.exists());
    values_[value.index].producer = node;
  }
  /// Every reader of `old`, and the graph's outputs, read `replacement` instead.
  void replace_uses(ValueId old, ValueId replacement) {
    if (old == replacement) return;
    const std::vector<NodeId> readers = values_[check(old)].users;
    for (const NodeId reader : readers) {
      auto& slots = nodes_[reader.index].node.inputs;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (slots[i] == old) set_input(reader, i, replacement);
      }
    }
    std::replace(outputs_.begin(), outputs_.end(), old, replacement);
  }
  /// Removes a node whose outputs nobody reads any more.
  void remove(NodeId id) {
    Slot& slot = nodes_[check(id)];
    for (const ValueId input : slot.node.inputs) drop_user(input, id);
    for (const ValueId output : slot.node.outputs) {
      if (output.exists() && values_[output.index].producer == id) values_[output.index].producer = {};
    }
    (slot.previous.exists() ? nodes_[slot.previous.index].next : first_) = slot.next;
    (slot.next.exists() ? nodes_[slot.next.index].previous : last_) = slot.previous;
    slot.alive = false;
    slot.node = NodeT{};
    --alive_count_;
  }

  /// The living nodes in execution order. A snapshot: the graph may be changed while it is walked (then ask
  /// is_alive).
  std::vector<NodeId> nodes() const {
    std::vector<NodeId> order;
    order.reserve(alive_count_);
    for (NodeId id = first_; id.exists(); id = nodes_[id.index].next) order.push_back(id);
    return order;
  }
  std::size_t node_count() const { return alive_count_; }
  /// All values ever added, whether still used or not.
  std::size_t value_count() const { return values_.size(); }
  ValueId value_at(std::size_t index) const { return {static_cast<std::uint32_t>(index)}; }

 private:
  struct ValueSlot {
    ValueT value;
    NodeId producer;
    std::vector<NodeId> users;
  };
  struct Slot {
    NodeT node;
    NodeId previous, next;
    bool alive = true;
  };

  std::uint32_t check(ValueId id) const {
    assert(id.index < values_.size());
    return id.index;
  }
  std::uint32_t check(NodeId id) const {
    assert(id.index < nodes_.size() && nodes_[id.index].alive);
    return id.index;
  }
  NodeId insert(NodeT node, NodeId next) {
    const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
    const NodeId previous = next.exists() ? nodes_[check(next)].previous : last_;
    for (const ValueId input : node.inputs) note_user(input, id);
    for (const ValueId output : node.outputs) {
      if (!output.exists()) continue;
      assert(!values_[check(output)].producer.exists());
      values_[output.index].producer = id;
    }
    nodes_.push_back({std::move(node), previous, next, true});
    (previous.exists() ? nodes_[previous.index].next : first_) = id;
    (next.exists() ? nodes_[next.index].previous : last_) = id;
    ++alive_count_;
    return id;
  }
  void note_user(ValueId value, NodeId node) {
    if (value.exists()) values_[check(value)].users.push_back(node);
  }
  void drop_user(ValueId value, NodeId node) {
    if (!value.exists()) return;
    auto& users = values_[value.index].users;
    users.erase(std::find(users.begin(), users.end(), node));
  }

  std::deque<ValueSlot> values_;
  std::deque<Slot> nodes_;
  std::vector<ValueId> inputs_, outputs_;
  NodeId first_, last_;
  std::size_t alive_count_ = 0;
};

}  // namespace calib8
