#include "read/onnx/onnx.h"

#include <optional>
#include <protozero/exception.hpp>
#include <protozero/pbf_message.hpp>

#include "calib8/error.h"
#include "container/protobuf_onnx.h"
#include "read/onnx/onnx_builder.h"
#include "read/onnx/onnx_refusals.h"
#include "read/onnx/onnx_tensor.h"
#include "read/onnx/onnx_upgrade.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

struct ModelMessage {
  std::optional<data_view> graph;
  std::vector<data_view> functions;
  std::optional<std::int64_t> opset;  ///< Of ONNX's own domain.
  std::map<std::string, std::string> metadata;
};

data_view view_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void read_opset(data_view view, ModelMessage& model) {
  std::string domain;
  std::int64_t version = 0;
  protozero::pbf_message<proto::OperatorSet> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::OperatorSet::domain, pbf_wire_type::length_delimited):
        domain = message.get_string();
        break;
      case tag_and_type(proto::OperatorSet::version, pbf_wire_type::varint):
        version = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  if (domain.empty() || domain == "ai.onnx") model.opset = version;
}

void read_metadata(data_view view, ModelMessage& model) {
  std::string key, value;
  protozero::pbf_message<proto::StringEntry> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::StringEntry::key, pbf_wire_type::length_delimited):
        key = message.get_string();
        break;
      case tag_and_type(proto::StringEntry::value, pbf_wire_type::length_delimited):
        value = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  model.metadata[key] = std::move(value);
}

ModelMessage parse_model(data_view view) {
  ModelMessage model;
  protozero::pbf_message<proto::Model> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Model::graph, pbf_wire_type::length_delimited):
        if (model.graph) throw Error(ErrorCode::model, "holds two graphs");
        model.graph = message.get_view();
        break;
      case tag_and_type(proto::Model::functions, pbf_wire_type::length_delimited):
        model.functions.push_back(message.get_view());
        break;
      case tag_and_type(proto::Model::opset_import, pbf_wire_type::length_delimited):
        read_opset(message.get_view(), model);
        break;
      case tag_and_type(proto::Model::metadata_props, pbf_wire_type::length_delimited):
        read_metadata(message.get_view(), model);
        break;
      default:
        message.skip();
    }
  }
  return model;
}

/// Unsupported things go to the refusals.
OnnxGraph read_model(const Data& file, const std::filesystem::path& folder, OnnxFileParts* parts,
                     OnnxRefusals& refusals) {
  ModelMessage model = parse_model(view_of(file.bytes()));
  if (!model.graph) throw Error(ErrorCode::model, "holds no ONNX graph");
  if (!model.opset) throw Error(ErrorCode::model, "doesn't say which opset of ONNX it uses");
  if (*model.opset < oldest_opset || *model.opset > newest_opset) {
    throw Error(ErrorCode::model, "uses opset " + std::to_string(*model.opset) + "; calib8 reads " +
                                      std::to_string(oldest_opset) + " to " + std::to_string(newest_opset) +
                                      " (export with opset_version=20)");
  }
  OnnxTensorSource source{file, folder, {}};
  std::size_t quantized = 0;
  OnnxGraph graph =
      build_onnx_graph(*model.graph, model.functions, *model.opset, source, refusals, quantized);
  if (parts) *parts = {std::move(source.external), std::move(model.metadata), quantized};
  return graph;
}

/// What `read` gives, as a graph that holds together; failures get the place.
template <class Read>
OnnxGraph read_verified(const std::string& where, Read read) {
  try {
    OnnxGraph graph = read();
    verify(graph, "reading");
    return graph;
  } catch (const protozero::exception& error) {
    throw Error(ErrorCode::model,
                std::string("is damaged or cut off: its protobuf breaks off (") + error.what() + ")", where);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), where + (error.where().empty() ? "" : ": " + error.where()));
  }
}

}  // namespace

bool looks_like_onnx(ByteView bytes) {
  // ModelProto's fields up to the graph are short; a file that doesn't come to it soon is something else.
  constexpr int most_fields = 1000;
  try {
    protozero::pbf_reader message(view_of(bytes));
    for (int count = 0; count < most_fields && message.next(); ++count) {
      const std::uint32_t field = message.tag();
      const bool is_number = field == 1 || field == 5;  // ir_version, model_version
      const bool is_bytes =
          (field >= 2 && field <= 8 && field != 5) || field == 14 || field == 20 || field == 25;
      const auto expected = is_number ? pbf_wire_type::varint : pbf_wire_type::length_delimited;
      if ((!is_number && !is_bytes) || message.wire_type() != expected) return false;
      if (field == static_cast<std::uint32_t>(proto::Model::graph)) return true;
      message.skip();
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return false;
}

OnnxGraph read_onnx(const Data& file, const std::string& where, const std::filesystem::path& folder,
                    OnnxFileParts* parts) {
  return read_verified(where, [&] {
    OnnxRefusals refusals;
    OnnxGraph graph = read_model(file, folder, parts, refusals);
    refusals.throw_if_any();
    return graph;
  });
}

OnnxGraph read_onnx_to_inspect(const Data& file, const std::string& where,
                               const std::filesystem::path& folder, std::vector<std::string>& refusals) {
  return read_verified(where, [&] {
    OnnxRefusals collected;
    OnnxGraph graph = read_model(file, folder, nullptr, collected);
    refusals = collected.all();
    return graph;
  });
}

OnnxGraph read_onnx(const std::filesystem::path& path, OnnxFileParts* parts) {
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return read_onnx(map_file(path), path.string(), folder, parts);
}

}  // namespace calib8
