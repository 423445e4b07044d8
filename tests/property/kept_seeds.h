#pragma once

#include <cstdint>
#include <initializer_list>

namespace calib8::property {

/// Graphs that once didn't hold, by their fault; run before all others, whatever the type. A change of the
/// generators makes others of them, so each fault also has a test of its own beside the code.
struct KeptSeeds {
  const char* fault;
  std::initializer_list<std::uint64_t> seeds;
};

inline const KeptSeeds kept_seeds[] = {
    {"the first of all", {1}},
    {"RELU and RELU6 behind a far coarser scale",
     {680, 1182, 2668, 3035, 3700, 3859, 4380, 4552, 5136, 5516, 6298, 6692, 6956, 7112, 7995, 8539, 673}},
    {"RSQRT whose levels all round to 0", {296, 2672, 3340, 6584}},
    {"MUL narrowed to 16 bits", {1195, 4314, 5894, 9348}},
    {"MUL beyond the ratios of its kernel", {18, 35, 40, 49, 292}},
    {"MEAN behind a far coarser scale", {2347, 6631, 7789, 9900}},
    {"ADD narrowed to 16 bits", {12, 233, 260}},
    {"constants cut off by a range", {5, 25, 46, 48, 286, 289}},
    {"parts cut off by a range", {1997, 2811, 4293, 9405}},
    {"no range observed", {9, 45}},
    {"one channel", {89, 92, 203, 239}},
    {"one constant in several roles", {53, 791, 877, 1756}},
    {"0 / 0 in the bounds", {105676}},
    {"int16: places of RESIZE_BILINEAR in the bounds", {2801, 2855, 5930, 7497, 8695}},
    {"int16: rows of SOFTMAX in the bounds", {201, 846, 2213, 2233, 2375, 2435, 5275, 6473}},
    {"int16: RESHAPE in place in the bounds", {1282}},
    {"int16: parts cut off by a range", {2532, 2745, 3130, 3547}},
    {"paddings of a pool", {66, 241}},
    {"int16: TANH of a coarse input",
     {7,    176,  188,  202,  215,  219,  338,  354,  500,  531,  539,  564,  616,  628,
      635,  674,  681,  686,  709,  717,  721,  730,  774,  797,  799,  887,  892,  937,
      1038, 1048, 1136, 1216, 1253, 1266, 1280, 1319, 1329, 1399, 1475, 1520, 1522, 1606,
      1620, 1769, 1775, 1777, 1780, 1808, 1815, 1829, 1842, 1883, 1903, 1982}},
    {"int16: RESIZE_BILINEAR between places",
     {20,   67,   77,   92,   151,  156,  185,  187,  252,  297,  322,  403,  482,  514,
      528,  613,  644,  731,  756,  772,  812,  820,  846,  878,  896,  906,  922,  952,
      974,  980,  1069, 1088, 1123, 1164, 1197, 1244, 1276, 1295, 1321, 1324, 1425, 1428,
      1436, 1480, 1496, 1528, 1534, 1616, 1631, 1696, 1712, 1760, 1867, 1973, 1976, 1993}},
    {"int16: SOFTMAX between entries of its table",
     {24,   302,  444,  452,  548,  556,  715,  758,  791,  1118, 1168, 1219,
      1279, 1348, 1356, 1378, 1390, 1627, 1636, 1644, 1688, 1736, 1790}},
    {"int16: a bias far beyond the products",
     {29, 32, 255, 389, 563, 727, 764, 1210, 1211, 1366, 1767, 1923, 1970, 1974}},
    {"int16: GELU", {68,   118,  124,  128,  135,  146,  147,  155,  157,  200,  201,  212,  270,  280,  284,
                     288,  290,  347,  353,  381,  423,  450,  464,  543,  559,  581,  612,  648,  650,  696,
                     703,  735,  778,  792,  803,  809,  817,  848,  868,  903,  940,  949,  954,  1061, 1087,
                     1107, 1179, 1215, 1229, 1241, 1247, 1281, 1283, 1304, 1353, 1358, 1365, 1402, 1423, 1433,
                     1447, 1450, 1483, 1485, 1486, 1565, 1580, 1594, 1595, 1613, 1618, 1634, 1668, 1675, 1692,
                     1741, 1753, 1794, 1802, 1850, 1900, 1921, 1928, 1938, 1957, 1978}},
    {"int16: a bias far beyond a transposed filter's products", {96, 496, 1083}},
    {"int16: LOGISTIC of a coarse input",
     {150, 340, 387, 599, 638, 825, 832, 1033, 1052, 1180, 1230, 1254, 1330, 1504, 1525, 1633, 1673, 1862,
      1943}},
    {"int16: bounds of the whole", {204, 289, 737, 824, 1016, 1224, 1307, 1682}},
    {"int16: a bias far beyond a filter's products", {222, 420, 491, 677, 1363, 1628}},
};

}  // namespace calib8::property
