#pragma once

#include <nanobind/nanobind.h>

#include "calib8/choices.h"

/// Lets Ctrl-C through, which Python tells of on its main thread alone, and only when asked.
void check_python_signals();

/// An enumeration by the words that the command line has for it.
template <class T>
void bind_choices(nanobind::module_& module, const char* name) {
  nanobind::enum_<T> choices(module, name);
  for (const auto& choice : calib8::choices_of(T{})) choices.value(choice.word.data(), choice.value);
}

/// DatasetOptions, which ExportOptions has as its base.
void bind_dataset_options(nanobind::module_& module);

/// RepresentativeDataset, and what the tests use of the parts below it.
void bind_dataset(nanobind::module_& module);

/// How outputs of detectors become boxes, and what these are worth: for the tests.
void bind_detection(nanobind::module_& module);
