#include "pipeline/report_text.h"

#include "report/report_json.h"

namespace calib8 {
namespace {

using nlohmann::json;

/// Images whose list isn't part of the object, by the list's name.
using ImageLists = std::map<std::string, std::shared_ptr<const UsedImages>>;

json path_and_hash(const std::string& path, const std::string& hash) {
  json sample = {{"sha256", hash}};
  add_path(sample, path);
  return sample;
}

json list_arrays(const ArrayFileSource& source) {
  json list = json::array();
  for (const UsedArray& array : source.arrays()) {
    list.push_back(path_and_hash(array.entry.relative_path, to_text(array.sha256)));
    list.back()["row"] = array.row;
  }
  return list;
}

/// The text of a value as it stands `depth` levels deep in a document.
std::string text_at(const json& value, std::size_t depth) {
  std::string text;
  for (const char c : value.dump(1, ' ', false, json::error_handler_t::replace)) {
    text += c;
    if (c == '\n') text.append(depth, ' ');  // strings hold no line break, JSON escapes it
  }
  return text;
}

/// What stands before an element `depth` levels deep.
std::string before_element(bool first, char bracket, std::size_t depth) {
  return std::string(1, first ? bracket : ',') + "\n" + std::string(depth, ' ');
}

void write_images(const UsedImages& images, std::size_t depth, const Report::Sink& sink) {
  for (std::size_t i = 0; i < images.hashes.size(); ++i) {
    const json sample = path_and_hash(images.files.relative_path(i), images.sha256(i));
    sink(before_element(i == 0, '[', depth + 1) + text_at(sample, depth + 1));
  }
  sink(images.hashes.empty() ? "[]" : "\n" + std::string(depth, ' ') + "]");
}

/// A member of the report: "dataset" member by member, as some of them are lists of images.
void write_member(const std::string& name, const json& value, const ImageLists& lists,
                  const Report::Sink& sink) {
  if (name != "dataset" || lists.empty()) return sink(text_at(value, 1));
  bool first = true;
  for (const auto& [inner_name, inner] : value.items()) {
    sink(before_element(first, '{', 2) + json(inner_name).dump() + ": ");
    const auto list = lists.find(inner_name);
    list == lists.end() ? sink(text_at(inner, 2)) : write_images(*list->second, 2, sink);
    first = false;
  }
  sink("\n }");
}

/// add(name in the report, source), of those that have something to list.
template <class Source, class Add>
void for_each_set(const SampleSets<Source>& sets, const Add& add) {
  add("calibration", sets.calibration);
  if (sets.verification) add("verification", sets.verification);
  if (sets.selection && sets.selection->size() > 0) add("selection", sets.selection);
}

}  // namespace

Report make_report(json object, const RepresentativeData& data) {
  ImageLists lists;
  const auto add_images = [&](const char* name, const std::shared_ptr<const ImageSource>& images) {
    lists[name] = images->used();
    object["dataset"][name] = nullptr;  // its place among the members
  };
  const auto add_arrays = [&](const char* name, const std::shared_ptr<const ArrayFileSource>& arrays) {
    object["dataset"][name] = list_arrays(*arrays);
  };
  if (const auto* images = std::get_if<SampleSets<ImageSource>>(&data.files))
    for_each_set(*images, add_images);
  if (const auto* arrays = std::get_if<SampleSets<ArrayFileSource>>(&data.files))
    for_each_set(*arrays, add_arrays);
  return Report([object = std::move(object), lists = std::move(lists)](const Report::Sink& sink) {
    bool first = true;
    for (const auto& [name, value] : object.items()) {
      sink(before_element(first, '{', 1) + json(name).dump() + ": ");
      write_member(name, value, lists, sink);
      first = false;
    }
    sink("\n}\n");
  });
}

}  // namespace calib8
