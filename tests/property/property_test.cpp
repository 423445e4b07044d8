// Random graphs the whole way to int8 on LiteRT.
//   property_test --seed 1 --count 10000            and the kept seeds; says the seeds that don't hold
//   property_test --seed 4711 --count 1 --dump      one of them again, with its graphs
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/parallel.h"
#include "batches.h"
#include "checks.h"
#include "kept_seeds.h"
#include "ops/all_ops.h"
#include "random_onnx.h"

namespace calib8::property {
namespace {

constexpr std::size_t any_number = 1000;

QuantizationChoices random_choices(std::uint64_t seed, DType activations) {
  RandomNumbers random(seed ^ 0x5eedf00du);
  QuantizationChoices choices;
  choices.activations = activations;
  choices.method = random.pick({CalibrationMethod::minmax, CalibrationMethod::minmax, CalibrationMethod::mse,
                                CalibrationMethod::percentile});
  choices.io = random.pick({ModelIo::int8, ModelIo::int8, ModelIo::uint8, ModelIo::float32});
  if (activations == DType::int16 && choices.io != ModelIo::float32) choices.io = ModelIo::int16;
  return choices;
}

void print_stage(const std::string& stage, const std::string& text) {
  std::printf("--- %s\n%s", stage.c_str(), text.c_str());
  std::fflush(stdout);
}

struct Options {
  std::uint64_t seed = 1;
  std::size_t count = 100;
  std::size_t nodes = any_number;
  int processes = 0;
  bool dump = false;
  bool covers_rows = false;
  std::string quantize = "int8";

  DType activations() const { return quantize == "int8" ? DType::int8 : DType::int16; }
};

void run_one(std::uint64_t seed, const Options& options, const std::shared_ptr<const LiteRt>& litert,
             Tally& tally) {
  const QuantizationChoices choices = random_choices(seed, options.activations());
  const Dump dump = options.dump ? print_stage : nullptr;
  if (seed % 4 == 0) {
    check(random_tflite_graph(seed, options.nodes), choices, litert, tally, dump);
  } else {
    check(random_onnx_graph(seed, options.nodes), choices, litert, tally, dump);
  }
}

std::string to_line(const Tally& tally) {
  return nlohmann::json{{"onnx", tally.onnx_operators},
                        {"tflite", tally.tflite_operators},
                        {"steps", tally.largest_steps},
                        {"outputs", tally.outputs},
                        {"tight", tally.tight_outputs}}
      .dump();
}

void add_line(Tally& tally, const std::string& line) {
  const nlohmann::json read = nlohmann::json::parse(line);
  for (const auto& [name, count] : read["onnx"].items())
    tally.onnx_operators[name] += count.get<std::size_t>();
  for (const auto& [name, count] : read["tflite"].items())
    tally.tflite_operators[name] += count.get<std::size_t>();
  for (const auto& [name, steps] : read["steps"].items())
    tally.largest_steps[name] = std::max(tally.largest_steps[name], steps.get<double>());
  tally.outputs += read["outputs"].get<std::size_t>();
  tally.tight_outputs += read["tight"].get<std::size_t>();
}

BatchResults run_all(const std::vector<std::uint64_t>& seeds, const Options& options) {
  Tally tally;
  std::shared_ptr<const LiteRt> litert;
  return run_in_processes(
      seeds, options.processes,
      [&](std::uint64_t seed) {
        if (!litert) litert = open_litert();
        try {
          run_one(seed, options, litert, tally);
        } catch (...) {
          litert = nullptr;  // its process may be gone
          throw;
        }
      },
      [&] { return to_line(tally); });
}

/// The fewest nodes of the graph that don't hold either.
std::string smallest_beginning(const Failure& failure, const Options& options) {
  Options one = options;
  one.processes = 1;
  for (one.nodes = 1; one.nodes < 15; ++one.nodes) {
    const BatchResults results = run_all({failure.seed}, one);
    if (!results.failures.empty())
      return fmt::format("--nodes {}: {}", one.nodes, results.failures.front().what);
  }
  return "";
}

/// Rows of ops/ that no graph had.
std::vector<std::string> missing_rows(const Tally& tally) {
  std::vector<std::string> missing;
  for (const OnnxOp* row : all_onnx_ops())
    if (!tally.onnx_operators.contains(std::string(row->type))) missing.emplace_back(row->type);
  for (const TfliteOp* row : all_tflite_ops())
    if (!tally.tflite_operators.contains(std::string(row->name))) missing.emplace_back(row->name);
  return missing;
}

void print_tally(const Tally& tally) {
  std::printf("quantized outputs compared with float: %zu, bounded within a quarter of their span: %zu\n",
              tally.outputs, tally.tight_outputs);
  for (const auto& [name, steps] : tally.largest_steps)
    if (steps > 0.5001) std::printf("  %-40s %.3f steps from exact\n", name.c_str(), steps);
}

int test(const Options& options) {
  std::vector<std::uint64_t> seeds;
  if (options.count != 1)
    for (const KeptSeeds& kept : kept_seeds) seeds.insert(seeds.end(), kept.seeds.begin(), kept.seeds.end());
  const std::size_t kept_count = seeds.size();
  for (std::size_t i = 0; i < options.count; ++i) seeds.push_back(options.seed + i);
  if (options.dump) {
    Tally tally;
    for (const std::uint64_t seed : seeds) run_one(seed, options, open_litert(), tally);
    print_tally(tally);
    return 0;
  }
  const BatchResults results = run_all(seeds, options);
  Tally tally;
  for (const std::string& note : results.notes) add_line(tally, note);
  for (const Failure& failure : results.failures) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(failure.seed), failure.what.c_str());
    const std::string smallest = smallest_beginning(failure, options);
    if (!smallest.empty()) std::printf("  %s\n", smallest.c_str());
    std::fflush(stdout);
  }
  print_tally(tally);
  std::vector<std::string> missing;
  if (options.covers_rows) missing = missing_rows(tally);
  for (const std::string& row : missing) std::printf("no graph has the operator %s\n", row.c_str());
  std::printf("%zu graphs, seeds %llu to %llu and %zu kept: %zu don't hold\n", seeds.size(),
              static_cast<unsigned long long>(options.seed),
              static_cast<unsigned long long>(options.seed + options.count - 1), kept_count,
              results.failures.size());
  return results.failures.empty() && missing.empty() ? 0 : 1;
}

}  // namespace
}  // namespace calib8::property

int main(int argc, char** argv) {
  calib8::property::Options options;
  options.processes = calib8::usable_cores();
  CLI::App app("Random graphs the whole way to int8 on LiteRT.");
  app.add_option("--seed", options.seed, "The first graph");
  app.add_option("--count", options.count, "How many graphs, beside the kept ones; 1: that seed alone");
  app.add_option("--nodes", options.nodes, "At most so many steps of each graph");
  app.add_option("--processes", options.processes, "Side by side");
  app.add_flag("--dump", options.dump, "Print the graphs, in this process");
  app.add_flag("--covers-rows", options.covers_rows, "Fail where an operator of ops/ has never occurred");
  app.add_option("--quantize", options.quantize, "Type of the activations")
      ->check(CLI::IsMember({"int8", "int16x8"}));
  CLI11_PARSE(app, argc, argv);
  try {
    return calib8::property::test(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "property_test: %s\n", error.what());
    return 1;
  }
}
