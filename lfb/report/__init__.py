"""The report: one HTML page that shows the scores, and example keyframes with each model's answers.

It reads what the other packages write: metrics, predictions, checkpoints, banks and frames.

    results     load the files of all models
    examples    match predictions with the annotated people, and choose keyframes to show
    confusion   which actions a model takes for which
    calibration how often a score is right
    attention   read what an operator attends to in the bank
    pictures    cut images for the page
    charts      draw the curves of the training
    formats     write numbers and images as text
    cards       put an example keyframe together
    browse      the page of all keyframes; browse.html.j2, browse.css and browse.js lay it out
    watch/      the films that are watched, and the page beside each
    overlays    choose what a film of the boxes of a video shows, before or after a training
    stills      the same as a page of stills; stills.html.j2 lays it out
    templates   load the templates of both pages
    page        put the page together; page.html.j2, drawings.html.j2 and style.css lay it out
"""
