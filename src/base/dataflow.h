#pragma once

#include <algorithm>
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

/// Fails with ErrorCode::internal: a graph was used against its rules ("it reads a value that isn't there").
[[noreturn]] void fail_dataflow(const char* what);

/// The common skeleton of both graphs: values that are written by at most one node, nodes in execution order,
/// and who uses what. It knows nothing of what values and nodes mean.
///
/// ValueT is any struct; NodeT has `std::vector<Id<ValueT>> inputs, outputs` (an absent id is an omitted
/// optional input). Ids stay valid for the life of the graph; a removed node or value is never handed out
/// again. References stay valid too, until the thing is removed.
///
/// A node's `inputs` and `outputs` are changed by the functions below only, everything else in it freely.
/// What breaks a rule (an id of nothing, a value written by two nodes) fails with ErrorCode::internal in all
/// builds: the graphs come from hostile files. Each question below is answered in constant time, each change
/// in the time of what it changes: files may hold any number of nodes, of outputs, and of readers of one
/// value.
template <class ValueT, class NodeT>
class Dataflow {
 public:
  using ValueId = Id<ValueT>;
  using NodeId = Id<NodeT>;

  /// Values that come from outside, and those that go there, in the signature's order.
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  void set_inputs(std::vector<ValueId> values) {
    for (const ValueId old : inputs_) values_[old.index].is_input = false;
    inputs_ = std::move(values);
    for (const ValueId input : inputs_) values_[check(input)].is_input = true;
  }
  void set_outputs(std::vector<ValueId> values) {
    for (const ValueId old : outputs_) values_[old.index].output_positions.clear();
    outputs_ = std::move(values);
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      values_[check(outputs_[i])].output_positions.push_back(static_cast<std::uint32_t>(i));
    }
  }

  ValueId add_value(ValueT value) {
    values_.push_back({std::move(value), {}, {}, {}, {}, false});
    return {static_cast<std::uint32_t>(values_.size() - 1)};
  }
  /// Adds a node behind all others.
  NodeId append(NodeT node) { return insert(std::move(node), NodeId{}); }
  /// Adds a node right before another.
  NodeId insert_before(NodeId next, NodeT node) { return insert(std::move(node), next); }
  /// Adds a node right behind another.
  NodeId insert_after(NodeId previous, NodeT node) {
    return insert(std::move(node), nodes_[check(previous)].next);
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
  bool is_output(ValueId id) const { return !values_[check(id)].output_positions.empty(); }
  bool is_input(ValueId id) const { return values_[check(id)].is_input; }
  /// True where exactly one node reads the value once and it isn't an output of the graph.
  bool has_single_use(ValueId id) const { return users(id).size() == 1 && !is_output(id); }

  void set_input(NodeId node, std::size_t position, ValueId value) {
    ValueId& slot = nodes_[check(node)].node.inputs.at(position);
    forget_use(node, position);
    slot = value;
    note_use(node, position);
  }
  void set_inputs_of(NodeId node, std::vector<ValueId> values) {
    Slot& changed = nodes_[check(node)];
    for (std::size_t i = 0; i < changed.node.inputs.size(); ++i) forget_use(node, i);
    changed.node.inputs = std::move(values);
    changed.use_positions.resize(changed.node.inputs.size());
    for (std::size_t i = 0; i < changed.node.inputs.size(); ++i) note_use(node, i);
  }
  /// Lets the node write `value` at that position in place of what it wrote before. `value` has no producer
  /// yet.
  void set_output(NodeId node, std::size_t position, ValueId value) {
    ValueId& slot = nodes_[check(node)].node.outputs.at(position);
    if (slot == value) return;
    claim(value, node);
    if (slot.exists() && values_[slot.index].producer == node) values_[slot.index].producer = {};
    slot = value;
  }
  /// Every reader of `old`, and the graph's outputs, read `replacement` instead.
  void replace_uses(ValueId old, ValueId replacement) {
    if (old == replacement) return;
    ValueSlot& from = values_[check(old)];
    ValueSlot& to = values_[check(replacement)];
    const std::vector<NodeId> readers = std::exchange(from.users, {});
    const std::vector<std::uint32_t> positions = std::exchange(from.user_positions, {});
    for (std::size_t i = 0; i < readers.size(); ++i) {
      nodes_[readers[i].index].node.inputs[positions[i]] = replacement;
      note_use(readers[i], positions[i]);
    }
    for (const std::uint32_t position : std::exchange(from.output_positions, {})) {
      outputs_[position] = replacement;
      to.output_positions.push_back(position);
    }
  }
  /// Removes a node whose outputs nobody reads any more.
  void remove(NodeId id) {
    Slot& slot = nodes_[check(id)];
    for (std::size_t i = 0; i < slot.node.inputs.size(); ++i) forget_use(id, i);
    for (const ValueId output : slot.node.outputs) {
      if (output.exists() && values_[output.index].producer == id) values_[output.index].producer = {};
    }
    (slot.previous.exists() ? nodes_[slot.previous.index].next : first_) = slot.next;
    (slot.next.exists() ? nodes_[slot.next.index].previous : last_) = slot.previous;
    slot.alive = false;
    slot.node = NodeT{};
    slot.use_positions = {};
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
    std::vector<std::uint32_t> user_positions;    ///< Which input of users[i] it is.
    std::vector<std::uint32_t> output_positions;  ///< Where it stands in outputs_.
    bool is_input;
  };
  struct Slot {
    NodeT node;
    std::vector<std::uint32_t> use_positions;  ///< Where input i stands in its value's users.
    NodeId previous, next;
    bool alive = true;
  };

  std::uint32_t check(ValueId id) const {
    if (id.index >= values_.size()) fail_dataflow("a value was asked for that isn't in the graph");
    return id.index;
  }
  std::uint32_t check(NodeId id) const {
    if (!is_alive(id)) fail_dataflow("a node was asked for that isn't in the graph any more");
    return id.index;
  }
  NodeId insert(NodeT node, NodeId next) {
    const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
    const NodeId previous = next.exists() ? nodes_[check(next)].previous : last_;
    nodes_.push_back({std::move(node), {}, previous, next, true});
    Slot& added = nodes_.back();
    added.use_positions.resize(added.node.inputs.size());
    for (std::size_t i = 0; i < added.node.inputs.size(); ++i) note_use(id, i);
    for (const ValueId output : added.node.outputs) {
      if (output.exists()) claim(output, id);
    }
    (previous.exists() ? nodes_[previous.index].next : first_) = id;
    (next.exists() ? nodes_[next.index].previous : last_) = id;
    ++alive_count_;
    return id;
  }
  void claim(ValueId value, NodeId node) {
    ValueSlot& slot = values_[check(value)];
    if (slot.producer.exists()) fail_dataflow("two nodes write one value");
    slot.producer = node;
  }
  void note_use(NodeId node, std::size_t position) {
    Slot& reader = nodes_[node.index];
    const ValueId value = reader.node.inputs[position];
    if (!value.exists()) return;
    ValueSlot& read = values_[check(value)];
    reader.use_positions[position] = static_cast<std::uint32_t>(read.users.size());
    read.users.push_back(node);
    read.user_positions.push_back(static_cast<std::uint32_t>(position));
  }
  /// The last use takes the place of the one that goes.
  void forget_use(NodeId node, std::size_t position) {
    const ValueId value = nodes_[node.index].node.inputs[position];
    if (!value.exists()) return;
    ValueSlot& read = values_[check(value)];
    const std::uint32_t place = nodes_[node.index].use_positions[position];
    if (place >= read.users.size() || read.users[place] != node)
      fail_dataflow("a node's inputs were changed by hand");
    read.users[place] = read.users.back();
    read.user_positions[place] = read.user_positions.back();
    nodes_[read.users[place].index].use_positions[read.user_positions[place]] = place;
    read.users.pop_back();
    read.user_positions.pop_back();
  }

  std::deque<ValueSlot> values_;
  std::deque<Slot> nodes_;
  std::vector<ValueId> inputs_, outputs_;
  NodeId first_, last_;
  std::size_t alive_count_ = 0;
};

}  // namespace calib8
