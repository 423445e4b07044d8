#pragma once

#include <nanobind/nanobind.h>

/// DatasetOptions, which ExportOptions has as its base.
void bind_dataset_options(nanobind::module_& module);

/// RepresentativeDataset, and what the tests use of the parts below it.
void bind_dataset(nanobind::module_& module);
