"""A classifier that answers with lists of dictionaries -> one that answers with a table of probabilities.

Exporters put a ZipMap at the end of a graph, and CatBoost always does. It is replaced by an Identity of the
same output, so that nothing but the output's type changes. Labels of classes that only the ZipMap has become
a note of that Identity.
"""

from nextbest.models.labels import labels_in, labels_of, write_note
from nextbest.models.structure import check_structure

_FLOAT = 1


def strip_zipmap(onnx: bytes, *, any_operator: bool = False) -> bytes:
    """Replaces every ZipMap whose output is one of the graph's; without one, the bytes stay as they are.

    Args:
        onnx: The model.
        any_operator: Take every standard operator that has a bound at all.

    Raises:
        ModelError: NB651 to NB657.
    """
    model = check_structure(onnx, any_operator=any_operator).model
    outputs = {output.name: output for output in model.graph.output}
    found = [node for node in model.graph.node if node.op_type == "ZipMap" and node.output[0] in outputs]
    if not found:
        return onnx
    for node in found:
        classes = sum(len(attribute.ints) + len(attribute.strings) for attribute in node.attribute)
        labels = labels_in(node)
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        output = outputs[node.output[0]]
        output.ClearField("type")
        tensor = output.type.tensor_type
        tensor.elem_type = _FLOAT
        tensor.shape.dim.add()
        tensor.shape.dim.add(dim_value=classes) if classes else tensor.shape.dim.add()
        if labels is not None and labels_of(model.graph, output.name, classes or None) != labels:
            node.doc_string = write_note(labels)
    if not any(entry.domain in {"", "ai.onnx"} for entry in model.opset_import):
        # A graph of nothing but trees names no version of the standard operators.
        model.opset_import.add(domain="", version=13)
    return bytes(model.SerializeToString(deterministic=True))
