"""Branches and chains of linear operators, as networks have them while they are trained, become one convolution that computes the same."""

import collections

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper


class Net:
    """An ONNX model over one image x of 8 channels, node by node, with random weights."""

    def __init__(self, seed):
        self.random, self.nodes, self.constants = np.random.default_rng(seed), [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, inputs, outputs, kernel, group=1, bias=True, **attributes):
        weights = self.random.standard_normal((outputs, inputs // group, *kernel)) / np.sqrt(inputs // group * np.prod(kernel))
        parameters = [self.constant(weights)] + ([self.constant(self.random.standard_normal(outputs))] if bias else [])
        return self.node("Conv", [x, *parameters], group=group, kernel_shape=kernel, **attributes)

    def batch_norm(self, x, channels):
        draw = self.random.uniform
        return self.node("BatchNormalization", [x, *(self.constant(draw(low, high, channels)) for low, high in ((-2, 2), (-1, 1), (-1, 1), (0.1, 2)))])

    def save(self, path, result):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 12, 10])
        graph = helper.make_graph([*self.nodes, helper.make_node("Relu", [result], ["y"])], "net", [x], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def add(net, parts, op="Add"):
    result = parts[0]
    for part in parts[1:]:
        result = net.node(op, [result, part])
    return result


def repvgg(net, x):
    return add(net, [net.conv(x, 8, 8, [3, 3], pads=[1, 1, 1, 1]), net.conv(x, 8, 8, [1, 1]), net.batch_norm(x, 8)])


def strided(net, x):
    return add(net, [net.conv(x, 8, 12, [3, 3], pads=[1, 1, 1, 1], strides=[2, 2]), net.conv(x, 8, 12, [1, 1], strides=[2, 2], bias=False)])


def mobileone(net, x):
    branches = [net.conv(x, 8, 8, [3, 3], group=8, pads=[1, 1, 1, 1]) for _ in range(3)]
    return add(net, [*branches, net.conv(x, 8, 8, [1, 1], group=8), net.batch_norm(x, 8)])


def repvit(net, x):
    return net.batch_norm(add(net, [net.conv(x, 8, 8, [3, 3], group=8, pads=[1, 1, 1, 1]), net.conv(x, 8, 8, [1, 1], group=8), x]), 8)


def mixer_of_tokens(net, x):
    mixed = add(net, [net.conv(x, 8, 8, [3, 3], group=8, pads=[1, 1, 1, 1]), net.conv(x, 8, 8, [1, 1], group=8), net.batch_norm(x, 8)])
    scaled = net.node("Mul", [net.node("Sub", [mixed, net.batch_norm(x, 8)]), net.constant(net.random.standard_normal((8, 1, 1)))])
    return net.node("Add", [x, scaled])


def asymmetric(net, x):
    return add(net, [net.conv(x, 8, 8, [3, 1], pads=[1, 0, 1, 0]), net.conv(x, 8, 8, [1, 3], pads=[0, 1, 0, 1]), net.conv(x, 8, 8, [3, 5], pads=[1, 2, 1, 2])])


def dilated(net, x):
    return add(net, [net.conv(x, 8, 8, [3, 3], pads=[2, 2, 2, 2], dilations=[2, 2]), net.conv(x, 8, 8, [1, 1])])


def pooled(net, x):
    pool = net.node("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    return add(net, [net.conv(x, 8, 8, [3, 3], pads=[1, 1, 1, 1]), pool])


def two_group_sizes(net, x):
    return add(net, [net.conv(x, 8, 8, [3, 3], group=2, pads=[1, 1, 1, 1]), net.conv(x, 8, 8, [3, 3], group=4, pads=[1, 1, 1, 1])])


def two_points(net, x):
    return net.conv(net.conv(x, 8, 16, [1, 1]), 16, 4, [1, 1])


def point_before_window(net, x):
    return net.conv(net.conv(x, 8, 16, [1, 1], bias=False), 16, 8, [3, 3], pads=[1, 1, 1, 1], strides=[2, 1])


def point_behind_window(net, x):
    return net.conv(net.conv(x, 8, 16, [3, 3], pads=[0, 1, 0, 1], strides=[2, 1]), 16, 8, [1, 1])


MERGED = [repvgg, strided, mobileone, repvit, mixer_of_tokens, asymmetric, dilated, pooled, two_group_sizes, two_points, point_before_window, point_behind_window]


def plain_skip(net, x):  # its 1 would take the levels of all other weights
    return net.node("Add", [net.conv(x, 8, 8, [3, 3], pads=[1, 1, 1, 1]), x])


def border_without_zeros(net, x):
    pool = net.node("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=0)
    return add(net, [net.conv(x, 8, 8, [3, 3], pads=[1, 1, 1, 1]), pool])


def dense_point_beside_wide_window(net, x):  # 8 times the work
    return add(net, [net.conv(x, 8, 8, [7, 7], group=8, pads=[3, 3, 3, 3]), net.conv(x, 8, 8, [1, 1])])


def bias_in_the_border(net, x):
    return net.conv(net.conv(x, 8, 16, [1, 1]), 16, 8, [3, 3], pads=[1, 1, 1, 1])


def bottleneck(net, x):  # one of 64 products in place of two of 16
    return net.conv(net.conv(x, 8, 2, [1, 1]), 2, 8, [1, 1])


def read_twice(net, x):
    first = net.conv(x, 8, 8, [1, 1])
    return net.node("Mul", [net.node("Add", [first, net.conv(x, 8, 8, [3, 3], pads=[1, 1, 1, 1])]), first])


KEPT = [plain_skip, border_without_zeros, dense_point_beside_wide_window, bias_in_the_border, bottleneck, read_twice]


@pytest.mark.parametrize("make", MERGED + KEPT, ids=lambda make: make.__name__)
def test_it_computes_the_same(make, tmp_path):
    net = Net(seed=len(make.__name__))
    net.save(tmp_path / "in.onnx", make(net, "x"))
    run_calib8("export", tmp_path / "in.onnx", "--format", "onnx", "--output-dir", tmp_path, check=True)
    x = net.random.standard_normal((1, 8, 12, 10)).astype(np.float32)
    expected, actual = (onnxruntime.InferenceSession(tmp_path / name).run(None, {"x": x})[0] for name in ("in.onnx", "model.onnx"))
    assert 10 * np.log10(np.sum(expected**2.0) / np.sum((expected - actual) ** 2.0)) > 110
    before, after = (collections.Counter(node.op_type for node in onnx.load(tmp_path / name).graph.node) for name in ("in.onnx", "model.onnx"))
    assert (after == {"Conv": 1, "Relu": 1}) if make in MERGED else (after == before)
