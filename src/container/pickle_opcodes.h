#pragma once

#include <cstdint>

namespace calib8 {

/// The opcodes that are read, by their names in Python's Lib/pickletools.py (INT, LONG and FLOAT are called
/// integer, long_integer and real, NONE is none). This is the allow-list: INST, OBJ, EXT1, EXT2, EXT4,
/// NEXT_BUFFER and READONLY_BUFFER are missing on purpose.
enum class Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  pop_mark = '1',
  dup = '2',
  real = 'F',
  integer = 'I',
  binint = 'J',
  binint1 = 'K',
  long_integer = 'L',
  binint2 = 'M',
  none = 'N',
  persid = 'P',
  binpersid = 'Q',
  reduce = 'R',
  string = 'S',
  binstring = 'T',
  short_binstring = 'U',
  unicode = 'V',
  binunicode = 'X',
  append = 'a',
  build = 'b',
  global = 'c',
  dict = 'd',
  empty_dict = '}',
  appends = 'e',
  get = 'g',
  binget = 'h',
  long_binget = 'j',
  list = 'l',
  empty_list = ']',
  put = 'p',
  binput = 'q',
  long_binput = 'r',
  setitem = 's',
  tuple = 't',
  empty_tuple = ')',
  setitems = 'u',
  binfloat = 'G',
  // Protocol 2
  proto = 0x80,
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  long4 = 0x8b,
  // Protocol 3
  binbytes = 'B',
  short_binbytes = 'C',
  // Protocol 4
  short_binunicode = 0x8c,
  binunicode8 = 0x8d,
  binbytes8 = 0x8e,
  empty_set = 0x8f,
  additems = 0x90,
  frozenset = 0x91,
  newobj_ex = 0x92,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
  // Protocol 5
  bytearray8 = 0x96,
};

}  // namespace calib8
