#pragma once

#include <cstddef>
#include <cstdint>

/// LiteRT's C API as far as calib8 calls it, declared here because no package ships its headers. The layouts
/// and prototypes are those of LiteRT 2.1.6 to 2.3.0 on 64-bit Linux; 2.1.5 and older differ in
/// create_model_from_buffer.
namespace calib8::litert {

using Environment = struct EnvironmentHandle*;
using Model = struct ModelHandle*;
using Options = struct OptionsHandle*;
using OpaqueOptions = struct OpaqueOptionsHandle*;
using CompiledModel = struct CompiledModelHandle*;
using TensorBuffer = struct TensorBufferHandle*;
using Signature = struct SignatureHandle*;
using TensorHandle = struct TensorOpaque*;
using Index = std::size_t;

/// LiteRtStatus; 0 is success.
using Status = int;
inline constexpr Status status_ok = 0;
inline constexpr Status status_memory_allocation = 2;

/// LiteRtHwAccelerators: a set of bits.
inline constexpr int accelerator_cpu = 1;

/// LiteRtElementType, which is TfLiteType, not the TensorType of the file format.
enum ElementType : int {
  element_float32 = 1,
  element_int32 = 2,
  element_uint8 = 3,
  element_int64 = 4,
  element_bool = 6,
  element_int16 = 7,
  element_int8 = 9,
  element_float16 = 10,
  element_float64 = 11,
  element_uint64 = 13,
  element_uint32 = 16,
  element_uint16 = 17,
  element_bfloat16 = 19,
};

struct Layout {
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  std::int32_t dimensions[8];  ///< -1 where the size is dynamic.
  std::uint32_t strides[8];
};

struct RankedTensorType {
  int element_type;
  Layout layout;
};

/// LiteRtAny holding an integer (type 2).
struct Any {
  int type;
  union {
    bool bool_value;
    std::int64_t int_value;
    double real_value;
    const void* pointer_value;
  };
};
inline constexpr int any_int = 2;

struct EnvironmentOption {
  int tag;
  Any value;
};
inline constexpr int option_auto_register_accelerators = 24;  ///< A set of accelerators.
inline constexpr int option_minimum_log_severity = 25;        ///< 3 errors, 4 silent.

static_assert(sizeof(Layout) == 68 && sizeof(RankedTensorType) == 72);
static_assert(sizeof(Any) == 16 && sizeof(EnvironmentOption) == 24);

/// The functions, each a symbol of libLiteRt.so (named in library.cpp).
struct Functions {
  Status (*create_environment)(int count, const EnvironmentOption* options, Environment* environment);
  void (*destroy_environment)(Environment);

  /// The bytes must outlive the model.
  Status (*create_model_from_buffer)(Environment, const void* bytes, std::size_t size, Model* model);
  void (*destroy_model)(Model);

  Status (*create_options)(Options*);
  void (*destroy_options)(Options);
  Status (*set_hardware_accelerators)(Options, int accelerators);
  Status (*create_opaque_options)(const char* identifier, void* payload, void (*destructor)(void*),
                                  OpaqueOptions*);
  void (*destroy_opaque_options)(OpaqueOptions);
  /// Takes ownership of the opaque options.
  Status (*add_opaque_options)(Options, OpaqueOptions);

  Status (*create_compiled_model)(Environment, Model, Options, CompiledModel*);
  void (*destroy_compiled_model)(CompiledModel);
  Status (*run_compiled_model)(CompiledModel, Index signature, std::size_t input_count, TensorBuffer* inputs,
                               std::size_t output_count, TensorBuffer* outputs);
  /// The messages are malloc'ed.
  Status (*get_error_messages)(CompiledModel, char**);
  Status (*clear_errors)(CompiledModel);

  Status (*create_tensor_buffer)(const RankedTensorType*, void* memory, std::size_t size,
                                 void (*deallocator)(void*), TensorBuffer*);
  void (*destroy_tensor_buffer)(TensorBuffer);

  Status (*get_model_signature)(Model, Index, Signature*);
  Status (*get_input_count)(Signature, Index*);
  Status (*get_output_count)(Signature, Index*);
  Status (*get_input_name)(Signature, Index, const char**);
  Status (*get_output_name)(Signature, Index, const char**);
  Status (*get_input_tensor)(Signature, Index, TensorHandle*);
  Status (*get_output_tensor)(Signature, Index, TensorHandle*);
  Status (*get_ranked_tensor_type)(TensorHandle, RankedTensorType*);
};

/// "InvalidFlatbuffer" for 501; "unknown" where LiteRT has no such status.
const char* name_of_status(Status status);

}  // namespace calib8::litert
