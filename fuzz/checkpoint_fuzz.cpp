// Feeds the checkpoint reader with arbitrary bytes: it reads them (of a pickled module, it builds the graph),
// or refuses them with an Error of the model's code.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "calib8/error.h"
#include "container/archive_for_tests.h"
#include "container/byte_cursor.h"
#include "container/zip.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"
#include "read/modules/build_module.h"
#include "read/modules/find_module.h"
#include "read/modules/module_checkpoint.h"
#include "read/modules/module_tree.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

calib8::Data copy_of(const std::uint8_t* data, std::size_t size) {
  return calib8::Data::from_vector(std::vector<std::uint8_t>(data, data + size));
}

/// The members of an archive, whatever their checksums; none where it is not one.
std::vector<calib8::ArchiveMember> members_of(const std::uint8_t* data, std::size_t size) {
  std::vector<calib8::ArchiveMember> members;
  try {
    for (const calib8::ZipMember& member : calib8::open_zip(copy_of(data, size), "archive").members)
      members.push_back({member.name, std::string(calib8::text_of(member.data.bytes()))});
  } catch (const calib8::Error&) {
    members.clear();  // not an archive (any more): mutated as plain bytes
  }
  return members;
}

void mutate_content(std::string& content, std::size_t room) {
  std::vector<std::uint8_t> bytes(content.begin(), content.end());
  bytes.resize(content.size() + room);
  if (bytes.empty()) return;
  const std::size_t size = LLVMFuzzerMutate(bytes.data(), content.size(), bytes.size());
  content.assign(reinterpret_cast<const char*>(bytes.data()), size);
}

}  // namespace

/// Checksums keep mutations of an archive's bytes out of the pickle, so most mutations change a member and
/// write the archive anew. The rest change bytes, for the archive's own structure and for files that are no
/// archive.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<calib8::ArchiveMember> members = members_of(data, size);
  if (members.empty() || random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  // data.pkl is the first member, and half of the mutations are its.
  calib8::ArchiveMember& chosen = members[random() % 2 == 0 ? 0 : random() % members.size()];
  mutate_content(chosen.content, size < max_size ? max_size - size : 0);
  for (calib8::ArchiveMember& member : members) member.descriptor = static_cast<int>(random() % 3 * 4);
  const std::string archive = calib8::make_archive(members, {.zip64 = random() % 2 == 0});
  if (archive.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, archive.data(), archive.size());
  return archive.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const calib8::Data bytes = copy_of(data, size);
  calib8::looks_like_checkpoint(bytes.bytes());
  try {
    const std::string where = "input";
    const calib8::CheckpointSource source = calib8::open_checkpoint(bytes, where);
    if (const auto module = calib8::find_module(source.pickle)) {
      const calib8::ModuleTree tree(source, module->module, bytes.size(), where);
      calib8::describe_module(source, *module, tree);
      tree.state_dict();
      constexpr std::int64_t side = 32;
      calib8::verify(calib8::build_module(tree, side, side).graph, "building a module");
    } else {
      // The description looks at every byte of every tensor.
      calib8::describe_checkpoint(calib8::read_checkpoint(source, bytes.size(), where)).dump();
    }
  } catch (const calib8::Error& error) {
    if (error.code() != calib8::ErrorCode::model) std::abort();
  }
  return 0;
}
