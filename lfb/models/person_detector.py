"""The person detectors: networks of torchvision, with its COCO weights."""

from pathlib import Path

from torch import nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights, faster_rcnn

from lfb.errors import UserError
from lfb.files.torch_file import read_tensors

CLASSES = FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"]
"""Names of the 91 classes of torchvision's COCO weights, 11 of which COCO does not use."""
PERSON = CLASSES.index("person")


def load_person_detector(name: str, weights: str | Path, score: float) -> nn.Module:
    """Return a person detector in evaluation mode.

    Args:
        name: A function of ``torchvision.models.detection``, such as ``fasterrcnn_resnet50_fpn_v2``
            (43.7 million parameters) or ``fasterrcnn_mobilenet_v3_large_320_fpn`` (19.4 million).
        weights: Its ``.pth`` as torchvision publishes it.
        score: Lowest score of a box.

    Raises:
        UserError: The file is broken, its digest does not match its name, or it is of another
            network.
    """
    model = getattr(faster_rcnn, name)(
        weights=None, weights_backbone=None, num_classes=91, box_score_thresh=score
    )
    tensors = read_tensors(weights)
    try:
        # Not our load_weights: torchvision renames the tensors of its older files.
        model.load_state_dict(tensors)
    except RuntimeError:
        raise UserError(
            f"{weights}: not the weights of {name}. Set detector.name to the network of this file, "
            "or detector.weights to the file of this network."
        ) from None
    return model.eval()
