#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "base/interrupt.h"
#include "base/standard_streams.h"
#include "base/text.h"
#include "calib8/compare.h"
#include "calib8/export.h"
#include "calib8/inspect.h"
#include "calib8/version.h"
#include "dataset_bindings.h"

namespace nb = nanobind;
using namespace nb::literals;
using calib8::ExportOptions;
using calib8::ExportResult;

namespace {

using FloatArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

/// calib8.Error, defined in Python, with code, message and where.
void raise_error(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const calib8::Error& error) {
    const nb::object type = nb::module_::import_("calib8.errors").attr("Error");
    const nb::object instance = type(static_cast<int>(error.code()), calib8::one_line(error.message()),
                                     calib8::one_line(error.where()));
    PyErr_SetObject(type.ptr(), instance.ptr());
  }
}

calib8::SampleArray copy_array(const FloatArray& array) {
  calib8::SampleArray copy;
  for (std::size_t i = 0; i < array.ndim(); ++i)
    copy.shape.push_back(static_cast<std::int64_t>(array.shape(i)));
  copy.values.assign(array.data(), array.data() + array.size());
  return copy;
}

/// What a Python function gives: a dict of arrays, or None at the end. Called without Python's lock.
std::optional<std::map<std::string, calib8::SampleArray>> next_sample(const nb::callable& next) {
  const nb::gil_scoped_acquire acquired;
  const nb::object given = next();
  if (given.is_none()) return std::nullopt;
  std::map<std::string, calib8::SampleArray> sample;
  for (const auto& [name, array] : nb::cast<std::map<std::string, FloatArray>>(given))
    sample.emplace(name, copy_array(array));
  return sample;
}

ExportResult export_without_lock(const ExportOptions& options) {
  const nb::gil_scoped_release released;
  const calib8::InterruptCheck check(&check_python_signals);
  return calib8::export_model(options);
}

calib8::CompareResult compare_without_lock(const calib8::CompareOptions& options) {
  const nb::gil_scoped_release released;
  const calib8::InterruptCheck check(&check_python_signals);
  return calib8::compare_models(options);
}

void bind_options(nb::module_& module) {
  bind_choices<calib8::OutputFormat>(module, "OutputFormat");
  bind_choices<calib8::QuantizeTo>(module, "QuantizeTo");
  bind_choices<calib8::CalibrationMethod>(module, "CalibrationMethod");
  bind_choices<calib8::Effort>(module, "Effort");
  bind_choices<calib8::ModelIo>(module, "ModelIo");
  bind_choices<calib8::ModelInput>(module, "ModelInput");
  bind_choices<calib8::TaskKind>(module, "TaskKind");
  bind_dataset_options(module);
  nb::class_<ExportOptions, calib8::DatasetOptions>(module, "ExportOptions")
      .def(nb::init<>())
      .def_rw("format", &ExportOptions::format)
      .def_rw("quantize", &ExportOptions::quantize)
      .def_rw("output_dir", &ExportOptions::output_dir)
      .def_rw("onnx_path", &ExportOptions::onnx_path)
      .def_rw("tflite_path", &ExportOptions::tflite_path)
      .def_rw("plan_out", &ExportOptions::plan_out)
      .def_rw("check_preprocessing", &ExportOptions::check_preprocessing)
      .def_rw("num_calib_samples", &ExportOptions::num_samples)
      .def_rw("verify_samples", &ExportOptions::verify_samples)
      .def_rw("keep_output_axes", &ExportOptions::keep_output_axes)
      .def_rw("dynamic_batch", &ExportOptions::dynamic_batch)
      .def_rw("calibration", &ExportOptions::calibration)
      .def_rw("effort", &ExportOptions::effort)
      .def_rw("io", &ExportOptions::io)
      .def_rw("keep_float", &ExportOptions::keep_float)
      .def_rw("integer_only", &ExportOptions::integer_only)
      .def_rw("model_input", &ExportOptions::model_input)
      .def_rw("min_agreement", &ExportOptions::min_agreement)
      .def_rw("min_sqnr", &ExportOptions::min_sqnr)
      .def_rw("task", &ExportOptions::task)
      .def_rw("max_map_loss", &ExportOptions::max_map_loss)
      .def_rw("require_proof", &ExportOptions::require_proof)
      .def_rw("verify_onnx", &ExportOptions::verify_onnx)
      .def_rw("python", &ExportOptions::python)
      .def("set_samples", [](ExportOptions& options, nb::callable next) {
        options.next_sample = [next] { return next_sample(next); };
      });
  nb::class_<calib8::CompareOptions, ExportOptions>(module, "CompareOptions")
      .def(nb::init<>())
      .def_rw("methods", &calib8::CompareOptions::methods)
      .def_rw("others", &calib8::CompareOptions::others)
      .def_rw("keep_files", &calib8::CompareOptions::keep_files);
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "calib8's C++ library. The package calib8 is the interface; this is not.";
  module.attr("version") = calib8::version;
  nb::register_exception_translator(&raise_error);
  calib8::fill_closed_standard_streams();  // of a program that was started without them
  bind_options(module);
  nb::class_<ExportResult>(module, "ExportResult")
      .def_ro("onnx", &ExportResult::onnx)
      .def_ro("tflite", &ExportResult::tflite)
      .def_ro("metadata", &ExportResult::metadata)
      .def_prop_ro("gate",
                   [](const ExportResult& result) {
                     return result.gate ? std::optional(std::string(word_of(*result.gate))) : std::nullopt;
                   })
      .def_ro("passed", &ExportResult::passed)
      .def_prop_ro("verdict", [](const ExportResult& result) { return calib8::one_line(result.verdict); })
      .def_ro("summary", &ExportResult::summary)
      .def_prop_ro("report", [](const ExportResult& result) { return result.report.text(); });
  nb::class_<calib8::CompareResult>(module, "CompareResult")
      .def_ro("summary", &calib8::CompareResult::summary)
      .def_prop_ro("recommended",
                   [](const calib8::CompareResult& result) { return calib8::one_line(result.recommended); })
      .def_ro("reason", &calib8::CompareResult::reason)
      .def_prop_ro("report", [](const calib8::CompareResult& result) { return result.report.text(); });
  module.def("export", &export_without_lock, "options"_a);
  module.def("compare", &compare_without_lock, "options"_a);
  module.def("inspect", &calib8::inspect, "file"_a, "as_json"_a);
  bind_dataset(module);
  bind_detection(module);
}
