#pragma once

#include <string>

namespace CLI {
class App;
}

namespace calib8::cli {

/// What was probably meant by the first flag or command that `program` didn't know, as
/// " (did you mean --quantize?)"; empty where nothing is near it. Lengths of edits: V. I. Levenshtein (1966).
std::string suggestion(const CLI::App& program, int argc, const char* const* argv);

}  // namespace calib8::cli
