#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "torch_program/program.h"

namespace calib8 {

/// Reads models/model.json: JSON of one object (at most 100 MB and 64 levels deep) by schema 8. `where` names
/// it. Fails with ErrorCode::model, also for programs that change their buffers or inputs, take or give out
/// what is no tensor, or compute with objects.
Program parse_program(const Data& json, const std::string& where);

/// A tensor's metadata ("tensor_meta") as the schema has it. Fails with ErrorCode::model.
ProgramType parse_program_type(const nlohmann::json& json, const std::string& where);

}  // namespace calib8
