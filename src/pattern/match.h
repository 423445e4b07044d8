#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "pattern/term.h"

namespace calib8 {

/// A pattern found in a graph.
template <class Graph>
struct Match {
  using ValueId = typename Graph::ValueId;
  using NodeId = typename Graph::NodeId;

  std::vector<ValueId> holes;  ///< What each hole stands for.
  std::vector<NodeId> nodes;   ///< Those that compute the expression, from the result inwards, each once.

  /// True where nobody outside reads what lies within: all nodes but the first go when the first gets another
  /// form. What is read several times within is no hindrance.
  bool is_closed(const Graph& graph) const {
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      for (const ValueId output : graph[nodes[i]].outputs) {
        if (!output.exists()) continue;
        const auto& users = graph.users(output);
        const auto is_within = [&](NodeId user) {
          return std::find(nodes.begin(), nodes.end(), user) != nodes.end();
        };
        if (graph.is_output(output) || !std::all_of(users.begin(), users.end(), is_within)) return false;
      }
    }
    return true;
  }
};

/// The search for one pattern: a list of what remains to be shown, and what was found so far. Whatever may be
/// done in two ways is tried in both.
template <class Graph>
class Matcher {
 public:
  using ValueId = typename Graph::ValueId;

  explicit Matcher(const Graph& graph) : graph_(graph) {}

  std::optional<Match<Graph>> find(ValueId result, const Pattern& pattern) {
    Match<Graph> match;
    if (!solve({{{result}, &pattern}}, match)) return std::nullopt;
    return match;
  }

 private:
  struct Goal {
    Expression<ValueId> expression;
    const Pattern* pattern;
  };
  using Goals = std::vector<Goal>;

  /// The factors of a tree of products, and the product of its numbers.
  struct Factors {
    double constant = 1;
    std::vector<Expression<ValueId>> factors;
    std::vector<typename Graph::NodeId> nodes;
    bool fits = true;
  };
  static constexpr int deepest_product = 3;

  static bool is_near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

  bool solve(Goals goals, Match<Graph>& match) const {
    if (goals.empty()) return true;
    const Goal goal = goals.back();
    goals.pop_back();
    const auto [expression, pattern] = goal;
    switch (pattern->kind) {
      case PatternKind::hole:
        return !expression.before_activation && bind(pattern->hole, expression.value, match) &&
               solve(std::move(goals), match);
      case PatternKind::number: {
        const auto number = number_of(graph_, expression.value);
        return number && is_near(*number, pattern->number) && solve(std::move(goals), match);
      }
      case PatternKind::either:
        return std::any_of(pattern->operands.begin(), pattern->operands.end(), [&](const Pattern& choice) {
          return attempt(goals, {{expression, &choice}}, match);
        });
      case PatternKind::product:
        return solve_product(goal, goals, match);
      case PatternKind::sum:
      case PatternKind::clip:
      case PatternKind::hard_sigmoid:
      case PatternKind::erf:
      case PatternKind::tanh:
      case PatternKind::cube:
        return solve_operator(goal, goals, match);
    }
    return false;
  }

  /// Solves what is left together with `more`, and leaves no trace where that fails.
  bool attempt(Goals goals, const Goals& more, Match<Graph>& match) const {
    Match<Graph> trial = match;
    goals.insert(goals.end(), more.begin(), more.end());
    if (!solve(std::move(goals), trial)) return false;
    match = std::move(trial);
    return true;
  }

  bool solve_operator(const Goal& goal, const Goals& goals, Match<Graph>& match) const {
    const Pattern& pattern = *goal.pattern;
    const Term<ValueId> term = term_of(graph_, goal.expression);
    if (term.kind != pattern.kind) return false;
    if (term.kind == PatternKind::clip && (term.lowest != pattern.lowest || term.highest != pattern.highest))
      return false;
    note(graph_.producer(goal.expression.value), match);
    const auto& operands = term.operands;
    if (operands.size() == 1) return attempt(goals, {{operands[0], &pattern.operands[0]}}, match);
    const Pattern &a = pattern.operands[0], &b = pattern.operands[1];
    return attempt(goals, {{operands[0], &a}, {operands[1], &b}}, match) ||
           attempt(goals, {{operands[0], &b}, {operands[1], &a}}, match);
  }

  bool solve_product(const Goal& goal, const Goals& goals, Match<Graph>& match) const {
    if (term_of(graph_, goal.expression).kind != PatternKind::product) return false;
    Factors found;
    collect(goal.expression, deepest_product, found);
    const std::vector<Pattern>& wanted = goal.pattern->operands;
    if (!found.fits || found.factors.size() != wanted.size() ||
        !is_near(found.constant, goal.pattern->number))
      return false;
    for (const auto node : found.nodes) note(node, match);
    std::vector<std::size_t> order(wanted.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    do {
      Goals more;
      for (std::size_t i = 0; i < order.size(); ++i) more.push_back({found.factors[i], &wanted[order[i]]});
      if (attempt(goals, more, match)) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
  }

  void collect(Expression<ValueId> expression, int depth, Factors& found) const {
    const Term<ValueId> term = term_of(graph_, expression);
    found.nodes.push_back(graph_.producer(expression.value));
    for (std::size_t side = 0; side < 2; ++side) {
      const Expression<ValueId> operand = term.operands[side];
      const bool divides = term.divides && side == 1;
      if (const auto number = number_of(graph_, operand.value)) {
        found.fits = found.fits && *number != 0 && (!term.divides || divides);
        found.constant *= divides ? 1 / *number : *number;
      } else if (divides) {
        found.fits = false;
      } else if (depth > 1 && term_of(graph_, operand).kind == PatternKind::product) {
        collect(operand, depth - 1, found);
      } else {
        found.factors.push_back(operand);
      }
    }
  }

  static bool bind(std::size_t hole, ValueId value, Match<Graph>& match) {
    if (match.holes.size() <= hole) match.holes.resize(hole + 1);
    if (match.holes[hole].exists()) return match.holes[hole] == value;
    match.holes[hole] = value;
    return true;
  }

  static void note(typename Graph::NodeId node, Match<Graph>& match) {
    if (std::find(match.nodes.begin(), match.nodes.end(), node) == match.nodes.end())
      match.nodes.push_back(node);
  }

  const Graph& graph_;
};

/// Finds `pattern` as the way in which `result` is computed; nothing where it is computed otherwise.
template <class Graph>
std::optional<Match<Graph>> match(const Graph& graph, typename Graph::ValueId result,
                                  const Pattern& pattern) {
  return Matcher<Graph>(graph).find(result, pattern);
}

}  // namespace calib8
