#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "quantize/rounding/layer_inputs.h"
#include "recover/layer_geometry.h"
#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {

/// Gathers what the filters of layers meet (LayerInputs) while a quantized model runs: integers, whose sums
/// are the same in any order. Of large activations a few windows are looked at in each sample, in rectangles
/// that SLICE cuts out, at another place in each; of small ones windows all over. Depthwise layers, which
/// have a matrix for each channel, hold sums, others the inputs themselves: 64 MB in all, at most. Depthwise
/// layers of very large windows (more than 2^21 products) are left out.
class InputObserver {
 public:
  struct Extent {
    std::size_t samples = 1;  ///< Those that run are numbered below.
    std::size_t factor = 1;   ///< By which more windows are looked at than usual.
  };
  /// `layers` are the operators to look at: those with weights; what doesn't compute in int8 is left out.
  InputObserver(const TfliteGraph& quantized, const std::vector<OperatorId>& layers, Extent extent,
                ObservationGraph& wanted);

  void consume(std::size_t sample, const ModelInstance& model);
  void merge(const InputObserver&) {}  // all copies write to the same
  InputsOfLayers take();

 private:
  /// A rectangle of a layer's data, and the windows in it that are looked at.
  struct Patch {
    std::size_t output = 0;            ///< Where the model gives it out.
    std::ptrdiff_t top = 0, left = 0;  ///< Of the data.
    std::ptrdiff_t height = 1, width = 1;
    std::ptrdiff_t first_row = 0, first_column = 0, rows = 1, columns = 1;  ///< Of windows.
    std::size_t images = 1;
  };
  struct Layer {
    OperatorId id;
    LayerGeometry geometry;
    std::int32_t zero_point = 0;
    std::size_t per_sample = 0;  ///< Windows that are looked at.
    std::vector<Patch> patches;
  };
  struct Gathered {
    std::vector<LayerInputs> inputs;
    std::vector<std::mutex> locks;
  };

  void add_patches(Layer& layer, std::size_t wanted_windows, ObservationGraph& wanted) const;
  void gather(const Layer& layer, std::size_t sample, const ModelInstance& model, LayerInputs& inputs,
              std::mutex& lock) const;

  std::size_t samples_;
  std::vector<Layer> layers_;
  std::shared_ptr<Gathered> gathered_;
};

}  // namespace calib8
