// Writes .npy (version 1) and zip archives of them, uncompressed.
#include "compiler/run/Npz.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

namespace kac {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

std::string npyHeader(const NpyView &array) {
  std::string shape;
  for (int64_t extent : array.shape)
    shape += std::to_string(extent) + ", ";
  std::string dict = "{'descr': '" + array.type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  size_t fixed = 10, length = (fixed + dict.size() + 1 + 63) / 64 * 64 - fixed; // numbers begin at a multiple of 64
  dict.resize(length - 1, ' ');
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(length & 255);
  header += static_cast<char>(length >> 8);
  return header + dict + "\n";
}

/// CRC-32 of zip, eight bytes at a time: table[k][b] is the effect of byte b that k more bytes follow.
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables makeCrcTables() {
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; k++)
    for (size_t byte = 0; byte < 256; byte++)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 255];
  return tables;
}

constexpr CrcTables crcTables = makeCrcTables();

uint32_t crc32(uint32_t before, const void *data, size_t size) {
  auto *bytes = static_cast<const unsigned char *>(data);
  uint32_t crc = ~before;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; k++)
      crc ^= crcTables[7 - k][word >> (8 * k) & 255];
  }
  for (; size > 0; bytes++, size--)
    crc = crc >> 8 ^ crcTables[0][(crc ^ *bytes) & 255];
  return ~crc;
}

/// Fields of a zip record, lowest byte first.
class Record {
public:
  Record &u16(uint64_t value) { return put(value, 2); }
  Record &u32(uint64_t value) { return put(value, 4); }
  Record &u64(uint64_t value) { return put(value, 8); }
  Record &text(std::string_view more) {
    bytes += more;
    return *this;
  }
  const std::string &str() const { return bytes; }

private:
  Record &put(uint64_t value, int count) {
    for (int i = 0; i < count; i++)
      bytes += static_cast<char>(value >> (8 * i) & 255);
    return *this;
  }
  std::string bytes;
};

constexpr uint64_t elsewhere = 0xffffffff; // the size stands in the 64-bit extra field
constexpr uint64_t firstDay = 1 | 1 << 5;  // 1980-01-01: the same samples are the same file
constexpr uint64_t versionWith64BitSizes = 45;

/// What the local header and the directory say alike of a member.
void describe(Record &record, uint32_t crc, const std::string &name, uint64_t extraSize) {
  record.u16(0).u16(0).u16(0).u16(firstDay).u32(crc).u32(elsewhere).u32(elsewhere).u16(name.size()).u16(extraSize);
}

} // namespace

void writeNpy(std::ostream &out, const NpyView &array) {
  out << npyHeader(array);
  out.write(static_cast<const char *>(array.values), static_cast<std::streamsize>(array.bytes));
}

void writeNpz(std::ostream &out, const std::vector<NpyView> &arrays) {
  Record directory;
  uint64_t offset = 0;
  for (const NpyView &array : arrays) {
    std::string header = npyHeader(array), name = array.name + ".npy";
    uint64_t size = header.size() + array.bytes;
    uint32_t crc = crc32(crc32(0, header.data(), header.size()), array.values, array.bytes);

    Record local;
    local.u32(0x04034b50).u16(versionWith64BitSizes);
    describe(local, crc, name, 20);
    local.text(name).u16(1).u16(16).u64(size).u64(size);
    out << local.str();
    writeNpy(out, array);

    directory.u32(0x02014b50).u16(versionWith64BitSizes).u16(versionWith64BitSizes);
    describe(directory, crc, name, 28);
    directory.u16(0).u16(0).u16(0).u32(0).u32(elsewhere).text(name).u16(1).u16(24).u64(size).u64(size).u64(offset);
    offset += local.str().size() + size;
  }
  uint64_t begin = offset, size = directory.str().size();
  Record end;
  end.u32(0x06064b50).u64(44).u16(versionWith64BitSizes).u16(versionWith64BitSizes).u32(0).u32(0);
  end.u64(arrays.size()).u64(arrays.size()).u64(size).u64(begin);
  end.u32(0x07064b50).u32(0).u64(begin + size).u32(1);
  end.u32(0x06054b50).u16(0).u16(0).u16(0xffff).u16(0xffff).u32(elsewhere).u32(elsewhere).u16(0);
  out << directory.str() << end.str();
}

} // namespace kac
