"""The films that are watched, and the page beside each.

people   numbers and scores of a film's people: the csv, and what the film shows
pictures cut the people out of the frames
page     put the page together; watch.html.j2, watch.css and watch.js lay it out
"""
