#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "discover/discover.h"
#include "image/preprocess.h"
#include "runtime/litert_library.h"
#include "verify/verify_model.h"

namespace calib8 {

/// How a preprocessing scores beside the declared one, on the same labelled images.
struct ScoredMistake {
  std::string name;
  std::string flags;      ///< What selects it, beside the flags that were given.
  int correct = 0;        ///< Images whose class the float model tells.
  int only_declared = 0;  ///< Images that only the declared preprocessing gets right,
  int only_this = 0;      ///< and those that only this one does.
  double p = 1;           ///< Of McNemar's exact test.
};

struct PreprocessingCheck {
  int images = 0;  ///< 0 where nothing could be checked; the verdict says why.
  int correct = 0;
  std::vector<ScoredMistake> mistakes;
  std::optional<ScoredMistake> better;  ///< The best of those that score more with p < 0.01.
  std::string verdict;                  ///< One sentence.
};

/// Runs the float model on labelled images under the declared preprocessing and its usual mistakes. Where one
/// scores clearly better, its own mistakes are tried too, once, so that two at a time are found. Images that
/// can't be read are left out. Needs a classifier of as many outputs as there are classes.
PreprocessingCheck check_preprocessing(
    const FloatModel& model, const Preprocessing& declared, const ImageList& images, std::size_t classes,
    const std::shared_ptr<const LiteRt>& litert, int threads,
    const std::function<void(std::size_t done, std::size_t total)>& progress);

nlohmann::json to_json(const PreprocessingCheck& check);

}  // namespace calib8
