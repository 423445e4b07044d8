#include "read/checkpoint_globals.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"

namespace calib8 {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view torch_names[] = {"Tensor",
                                            "Size",
                                            "device",
                                            "DoubleStorage",
                                            "FloatStorage",
                                            "HalfStorage",
                                            "BFloat16Storage",
                                            "LongStorage",
                                            "IntStorage",
                                            "ShortStorage",
                                            "CharStorage",
                                            "ByteStorage",
                                            "BoolStorage",
                                            "ComplexFloatStorage",
                                            "ComplexDoubleStorage",
                                            "UntypedStorage",
                                            "float64",
                                            "float32",
                                            "float16",
                                            "bfloat16",
                                            "int64",
                                            "int32",
                                            "int16",
                                            "int8",
                                            "uint64",
                                            "uint32",
                                            "uint16",
                                            "uint8",
                                            "bool",
                                            "complex32",
                                            "complex64",
                                            "complex128",
                                            "float8_e4m3fn",
                                            "float8_e5m2",
                                            "float8_e4m3fnuz",
                                            "float8_e5m2fnuz"};
constexpr std::string_view torch_utils_names[] = {"_rebuild_tensor", "_rebuild_tensor_v2",
                                                  "_rebuild_tensor_v3", "_rebuild_parameter",
                                                  "_rebuild_parameter_with_state"};
constexpr std::string_view torch_tensor_names[] = {"_rebuild_from_type_v2"};
constexpr std::string_view torch_parameter_names[] = {"Parameter", "Buffer"};
constexpr std::string_view torch_storage_names[] = {"UntypedStorage"};
constexpr std::string_view collections_names[] = {"OrderedDict", "Counter", "defaultdict"};
constexpr std::string_view builtin_names[] = {"set",   "frozenset", "list",    "dict",  "tuple", "int",
                                              "long",  "float",     "complex", "bool",  "str",   "unicode",
                                              "bytes", "bytearray", "object",  "slice", "range"};
constexpr std::string_view codecs_names[] = {"encode"};
constexpr std::string_view copy_names[] = {"_reconstructor"};
constexpr std::string_view numpy_names[] = {"dtype",  "ndarray", "float64", "float32", "float16",
                                            "int64",  "int32",   "int16",   "int8",    "uint64",
                                            "uint32", "uint16",  "uint8",   "bool_",   "bool"};
constexpr std::string_view multiarray_names[] = {"scalar", "_reconstruct"};
constexpr std::string_view numeric_names[] = {"_frombuffer"};
constexpr std::string_view argparse_names[] = {"Namespace"};
constexpr std::string_view types_names[] = {"SimpleNamespace"};
constexpr std::string_view pathlib_names[] = {"Path",     "PosixPath",     "WindowsPath",
                                              "PurePath", "PurePosixPath", "PureWindowsPath"};
constexpr std::string_view datetime_names[] = {"datetime", "date", "time", "timedelta", "timezone"};

struct AllowedModule {
  std::string_view module;
  Names names;
};

constexpr AllowedModule allowed[] = {
    {"torch", torch_names},
    {"torch._utils", torch_utils_names},
    {"torch._tensor", torch_tensor_names},
    {"torch.nn.parameter", torch_parameter_names},
    {"torch.storage", torch_storage_names},
    {"collections", collections_names},
    {"builtins", builtin_names},
    {"__builtin__", builtin_names},  // Python 2's name, which protocols 0 to 2 keep
    {"_codecs", codecs_names},
    {"copyreg", copy_names},
    {"copy_reg", copy_names},
    {"numpy", numpy_names},
    {"numpy.core.multiarray", multiarray_names},
    {"numpy._core.multiarray", multiarray_names},
    {"numpy.core.numeric", numeric_names},
    {"numpy._core.numeric", numeric_names},
    {"argparse", argparse_names},
    {"types", types_names},
    {"pathlib", pathlib_names},
    {"pathlib._local", pathlib_names},  // Python 3.13
    {"datetime", datetime_names},
};

/// Modules whose functions run code or reach the system, with all below them: a file that names one was made
/// to do harm.
constexpr std::string_view harmful_modules[] = {"os",
                                                "posix",
                                                "nt",
                                                "subprocess",
                                                "commands",  // what protocol 2 calls subprocess
                                                "sys",
                                                "shutil",
                                                "socket",
                                                "importlib",
                                                "runpy",
                                                "pty",
                                                "code",
                                                "codeop",
                                                "ctypes",
                                                "pickle",
                                                "_pickle",
                                                "marshal",
                                                "types",
                                                "webbrowser",
                                                "asyncio",
                                                "http",
                                                "urllib",
                                                "requests",
                                                "tempfile",
                                                "pdb",
                                                "bdb",
                                                "timeit",
                                                "cProfile",
                                                "profile",
                                                "trace",
                                                "doctest",
                                                "pip",
                                                "setuptools",
                                                "site",
                                                "venv",
                                                "builtins",
                                                "operator",
                                                "_operator",
                                                "torch.hub",
                                                "torch.jit",
                                                "torch.utils.cpp_extension",
                                                "torch.serialization",
                                                "numpy.testing",
                                                "numpy.f2py",
                                                "multiprocessing",
                                                "threading",
                                                "ftplib",
                                                "smtplib",
                                                "__builtin__"};

bool is_below(std::string_view module, std::string_view root) {
  return module == root ||
         (module.size() > root.size() && module.starts_with(root) && module[root.size()] == '.');
}

/// Whether the global is of such a module, also by way of another that has imported it: from protocol 4 on a
/// name may be a path of attributes ("torch", "serialization.os.system").
bool reaches_harm(std::string_view module, std::string_view name) {
  for (const std::string_view root : harmful_modules) {
    if (is_below(module, root)) return true;
    for (std::size_t at = name.find(root); at != std::string_view::npos; at = name.find(root, at + 1)) {
      const bool begins = at == 0 || name[at - 1] == '.';
      if (begins && name.substr(at + root.size()).starts_with('.')) return true;
    }
  }
  return false;
}

/// Whether the bytes hold this text as a pickled str.
bool holds_string(ByteView pickle, std::string_view text) {
  std::string pattern = "X";  // BINUNICODE, as protocols 1 to 3 write it
  pattern.push_back(static_cast<char>(text.size()));
  pattern.append(3, '\0');
  pattern += text;
  if (text_of(pickle).find(pattern) != std::string_view::npos) return true;
  pattern = "\x8c";  // SHORT_BINUNICODE, protocol 4
  pattern.push_back(static_cast<char>(text.size()));
  pattern += text;
  return text_of(pickle).find(pattern) != std::string_view::npos;
}

}  // namespace

bool is_allowed_global(std::string_view module, std::string_view name) {
  const auto entry = std::find_if(std::begin(allowed), std::end(allowed),
                                  [&](const AllowedModule& candidate) { return candidate.module == module; });
  return entry != std::end(allowed) &&
         std::find(entry->names.begin(), entry->names.end(), name) != entry->names.end();
}

bool holds_pickled_module(ByteView pickle) {
  return holds_string(pickle, "_parameters") && holds_string(pickle, "_modules");
}

GlobalKind kind_of_global(std::string_view module, std::string_view name, const std::string& where) {
  if (is_allowed_global(module, name)) return GlobalKind::known;
  const std::string shown = printable(std::string(module) + "." + std::string(name));
  if (module == "torch._utils" && name == "_rebuild_qtensor")
    throw Error(ErrorCode::model,
                "the file holds quantized tensors (" + shown + "): save the float model's state_dict instead",
                where);
  if (module == "torch.storage" && name == "_load_from_bytes")
    throw Error(ErrorCode::model,
                "the tensors were pickled without torch.save (" + shown + "): write the file with torch.save",
                where);
  const bool hides_tensors = is_below(module, "torch._utils") || is_below(module, "torch._tensor") ||
                             is_below(module, "torch.storage") || (module == "torch" && name == "load");
  const bool harmful = reaches_harm(module, name);
  if (!harmful && !hides_tensors) return GlobalKind::foreign;
  throw Error(ErrorCode::model,
              "the pickle names " + shown + ", which is not on the list of what a checkpoint may hold" +
                  (harmful ? " and would run code where PyTorch loads it" : "") +
                  ": nothing was run; save only tensors and plain values, torch.save({\"model_state_dict\": "
                  "model.state_dict(), \"config\": {...}}, path)",
              where);
}

void refuse_foreign(const std::vector<std::string>& globals, ByteView pickle, const std::string& where) {
  const std::string shown = printable(globals.front());
  // Every torch.nn.Module is pickled with these attributes.
  if (holds_pickled_module(pickle))
    throw Error(ErrorCode::model,
                "the file holds a whole pickled module (it names " + shown +
                    "), not a state_dict: save it with torch.save(model.state_dict(), path) instead",
                where);
  throw Error(
      ErrorCode::model,
      "the pickle names " + shown +
          ", which is not on the list of what a checkpoint may hold, and no state_dict: nothing was run; "
          "save only tensors and plain values, torch.save({\"model_state_dict\": model.state_dict(), "
          "\"config\": {...}}, path)",
      where);
}

}  // namespace calib8
