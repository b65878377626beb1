"""Export files as the annotation tools write them, small ones, and the videos that they name."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lfb.exchange.films import Films
from lfb.exchange.tracks import Film

FPS, SECONDS, WIDTH, HEIGHT = 30, 20, 640, 480
VIDEOS = ("kitchen 2", "hall", "day1/cam2")

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>5</id>
      <name>my task</name>
      <size>600</size>
      <mode>interpolation</mode>
      <overlap>5</overlap>
      <start_frame>0</start_frame>
      <stop_frame>599</stop_frame>
      <frame_filter></frame_filter>
      <labels>
        <label>
          <name>person</name>
          <attributes>
            <attribute>
              <name>pose</name>
              <mutable>True</mutable>
              <input_type>select</input_type>
              <default_value>__undefined__</default_value>
              <values>__undefined__
stand
sit</values>
            </attribute>
            <attribute>
              <name>drink</name>
              <mutable>True</mutable>
              <input_type>checkbox</input_type>
              <default_value>false</default_value>
              <values>false</values>
            </attribute>
            <attribute>
              <name>remark</name>
              <mutable>True</mutable>
              <input_type>text</input_type>
              <default_value></default_value>
              <values></values>
            </attribute>
            <attribute>
              <name>person</name>
              <mutable>False</mutable>
              <input_type>number</input_type>
              <default_value>0</default_value>
              <values>0
100
1</values>
            </attribute>
          </attributes>
        </label>
      </labels>
      <segments>
        <segment><id>5</id><start>0</start><stop>599</stop><url>http://cvat/?id=5</url></segment>
      </segments>
      <original_size>
        <width>640</width>
        <height>480</height>
      </original_size>
      <source>kitchen 2.mp4</source>
    </task>
    <dumped>2026-01-05 10:12:00.000000+00:00</dumped>
  </meta>
  <track id="0" label="person" source="manual">
    <box frame="0" outside="0" occluded="0" keyframe="1" xtl="64.00" ytl="48.00" xbr="128.00" \
ybr="240.00" z_order="0">
      <attribute name="pose">stand</attribute>
      <attribute name="drink">false</attribute>
      <attribute name="remark">tired</attribute>
      <attribute name="person">7</attribute>
    </box>
    <box frame="1" outside="0" occluded="1" keyframe="0" xtl="65.00" ytl="48.00" xbr="129.00" \
ybr="240.00" z_order="0">
      <attribute name="pose">stand</attribute>
      <attribute name="drink">false</attribute>
      <attribute name="remark"></attribute>
      <attribute name="person">7</attribute>
    </box>
    <box frame="60" outside="0" occluded="1" keyframe="1" xtl="128.00" ytl="48.00" xbr="192.00" \
ybr="240.00" z_order="0">
      <attribute name="pose">sit</attribute>
      <attribute name="drink">true</attribute>
      <attribute name="remark"></attribute>
      <attribute name="person">7</attribute>
    </box>
    <box frame="100" outside="1" occluded="0" keyframe="1" xtl="128.00" ytl="48.00" xbr="192.00" \
ybr="240.00" z_order="0">
      <attribute name="pose">sit</attribute>
      <attribute name="drink">true</attribute>
      <attribute name="remark"></attribute>
      <attribute name="person">7</attribute>
    </box>
  </track>
  <track id="1" label="person" source="manual">
    <polygon frame="0" outside="0" occluded="0" keyframe="1" points="1,1;2,2;3,1"></polygon>
  </track>
</annotations>
"""

VIA: dict[str, Any] = {
    "project": {"pid": "__VIA_PROJECT_ID__", "pname": "kitchen", "vid_list": ["1"]},
    "config": {},
    "attribute": {
        "1": {
            "aname": "action",
            "anchor_id": "FILE1_Z1_XY1",
            "type": 2,
            "desc": "",
            "options": {"0": "stand", "1": "sit", "2": "drink"},
            "default_option_id": "",
        },
        "2": {"aname": "person", "anchor_id": "FILE1_Z1_XY1", "type": 1, "options": {}},
        "3": {"aname": "remark", "anchor_id": "FILE1_Z1_XY1", "type": 1, "options": {}},
    },
    "file": {"1": {"fid": "1", "fname": "kitchen 2.mp4", "type": 4, "loc": 1, "src": ""}},
    "view": {"1": {"fid_list": ["1"]}},
    "metadata": {
        "1_a": {
            "vid": "1",
            "flg": 0,
            "z": [1.0],
            "xy": [2, 64, 48, 64, 192],
            "av": {"1": "0,2", "2": "7", "3": "tired"},
        },
        "1_b": {
            "vid": "1",
            "flg": 0,
            "z": [2.033],
            "xy": [2, 128, 48, 64, 192],
            "av": {"1": "1", "2": "7"},
        },
        "1_c": {"vid": "1", "flg": 0, "z": [1.5, 3.5], "xy": [], "av": {"1": "2", "2": "7"}},
        "1_d": {"vid": "1", "flg": 0, "z": [4], "xy": [2, 0, 0, 64, 96], "av": {"1": "0"}},
        "1_e": {"vid": "1", "flg": 0, "z": [4], "xy": [3, 9, 9, 5], "av": {"1": "0"}},
    },
}

VIA_CSV = r"""# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# Notes:
# SHAPE_ID = {"POINT":1,"RECT":2}
# ATTRIBUTE = {"1":{"aname":"action","type":2,"options":{"0":"stand","1":"sit","2":"drink"}},"2":{"aname":"person","type":1,"options":{}}}
# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata
"1_a","[""kitchen 2.mp4""]",0,"[1]","[2,64,48,64,192]","{""1"":""0,2"",""2"":""7""}"
"1_b","[""kitchen 2.mp4""]",0,"[2.033]","[2,128,48,64,192]","{""1"":""1"",""2"":""7""}"
"""  # noqa: E501

LABEL_STUDIO: list[dict[str, Any]] = [
    {
        "id": 31,
        "data": {"video": "/data/upload/2/0a1b2c3d-kitchen_2.mp4"},
        "annotations": [
            {
                "id": 1,
                "was_cancelled": False,
                "ground_truth": False,
                "updated_at": "2026-01-05T10:12:00Z",
                "result": [
                    {
                        "id": "reg1",
                        "type": "videorectangle",
                        "from_name": "box",
                        "to_name": "video",
                        "value": {
                            "framesCount": 480,
                            "duration": 20.0,
                            "labels": ["stand"],
                            "sequence": [
                                {
                                    "frame": 1,
                                    "enabled": True,
                                    "rotation": 0,
                                    "x": 10,
                                    "y": 10,
                                    "width": 10,
                                    "height": 40,
                                    "time": 0,
                                },
                                {
                                    "frame": 49,
                                    "enabled": False,
                                    "rotation": 0,
                                    "x": 20,
                                    "y": 10,
                                    "width": 10,
                                    "height": 40,
                                    "time": 2,
                                },
                            ],
                        },
                    },
                    {
                        "id": "reg1",
                        "type": "number",
                        "from_name": "person",
                        "to_name": "video",
                        "value": {"number": 7},
                    },
                    {
                        "id": "reg2",
                        "type": "timelinelabels",
                        "from_name": "timeline",
                        "to_name": "video",
                        "value": {
                            "ranges": [{"start": 20, "end": 30}],
                            "timelinelabels": ["drink"],
                        },
                    },
                    {
                        "id": "reg2",
                        "type": "number",
                        "from_name": "person",
                        "to_name": "video",
                        "value": {"number": 7},
                    },
                ],
            }
        ],
    }
]

MOT = """1,7,65,49,64,192,1,1,1.0
31,7,97,49,64,192,1,1,0.5
61,7,129,49,64,192,1,1,1.0
61,8,1,1,64,96,0,1,1.0
61,9,1,1,64,96,1,3,1.0
"""
DETECTIONS = """1,-1,65,49,64,192,0.9,-1,-1,-1
31,-1,97,49,64,192,0.8,-1,-1,-1
"""
SEQINFO = """[Sequence]
name=kitchen 2
imDir=img1
frameRate=30
seqLength=600
imWidth=640
imHeight=480
imExt=.jpg
"""


def films(folder: Path, **data: Any) -> Films:
    """Return videos of 20 seconds, whose files are empty."""
    for name in VIDEOS:
        (folder / f"{name}.mp4").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.mp4").touch()
    return Films({"videos": str(folder), **data}, probe)


def probe(path: Path) -> SimpleNamespace:
    return SimpleNamespace(duration=SECONDS, fps=FPS, width=WIDTH, height=HEIGHT)


def write_all(folder: Path) -> None:
    """Write an export of each tool."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cvat.xml").write_text(CVAT)
    (folder / "via.json").write_text(json.dumps(VIA, indent=1))
    (folder / "via.csv").write_text(VIA_CSV)
    (folder / "label_studio.json").write_text(json.dumps(LABEL_STUDIO, indent=1))
    (folder / "kitchen 2.txt").write_text(MOT)


class OneFilm(Films):
    """A data set of one video, whatever its name."""

    def __init__(self, film: Film) -> None:
        self._film = film

    def find(self, text: str) -> Film:
        return self._film
