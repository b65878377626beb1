"""Annotation tools: their exports become files in AVA's formats, and predictions go back.

tracks        the form in between: the people of a video, frame by frame
films         the videos that exports name
findings      errors of exports, and what has no place in AVA's files
xml_tree      XML with line numbers, without entities
json_values   values of JSON, checked
cvat          CVAT for video 1.1, read and written
label_studio  Label Studio's JSON of videos, read and written
via           VIA 3: project JSON and csv, read
mot           MOTChallenge text, read
exports       export files: opened, also in a zip, and given to their reader
ava           tracks as annotations, label list and detections
imports       the import of all splits: what the target ``import_annotations`` does
predictions   predictions as tracks, to be corrected in a tool
"""
