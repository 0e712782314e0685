"""One form for a graph, whatever order and names a converter gave it.

A converter keeps nodes and constants in sets, whose order changes from process to process, and
numbers names as it goes. A model's digest must not depend on either.
"""

from __future__ import annotations

from typing import Any


def canonical(model: Any) -> None:
    """Bring an ONNX model into its one form, in place.

    Nodes come in the order in which the outputs, from the first to the last, need them; what no
    output needs is dropped. Tensors between them are called by their place in that order. Names
    of inputs and outputs stay, as does all that is computed.
    """
    graph = model.graph
    maker = {output: node for node in graph.node for output in node.output}
    held = {each.name: each for each in graph.initializer}
    nodes = _in_order([output.name for output in graph.output], maker)
    names = {each.name: each.name for each in [*graph.input, *graph.output]}
    used: list[Any] = []
    for place, node in enumerate(nodes):
        for name in node.input:
            if name in held and name not in names:
                names[name] = f"held_{len(used)}"
                used.append(held[name])
        for number, name in enumerate(node.output):
            names.setdefault(name, f"made_{place}_{number}" if name else "")
    for place, node in enumerate(nodes):
        node.input[:] = [names[name] if name else "" for name in node.input]
        node.output[:] = [names[name] for name in node.output]
        node.name = f"{node.op_type}_{place}"
        node.doc_string = ""
        _sort(node.attribute)
    for each in used:
        each.name = names[each.name]
        each.doc_string = ""
    _replace(graph.node, nodes)
    _replace(graph.initializer, used)
    del graph.value_info[:]
    graph.doc_string = ""
    model.doc_string = ""
    model.producer_name = model.producer_version = ""
    del model.metadata_props[:]


def _in_order(wanted: list[str], maker: dict[str, Any]) -> list[Any]:
    """The nodes that make `wanted`, each after those that it needs; depth first."""
    done: dict[int, Any] = {}
    waiting = [(name, False) for name in reversed(wanted)]
    while waiting:
        name, are_inputs_done = waiting.pop()
        node = maker.get(name)
        if node is None or id(node) in done:
            continue
        if are_inputs_done:
            done[id(node)] = node
        else:
            waiting.append((name, True))
            waiting += [(each, False) for each in reversed(node.input)]
    return list(done.values())


def _sort(attributes: Any) -> None:
    _replace(attributes, sorted(attributes, key=lambda each: each.name))


def _replace(repeated: Any, items: list[Any]) -> None:
    """Assigning to a repeated field is not allowed, and clearing it frees what it held."""
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del repeated[:]
    repeated.extend(copies)
