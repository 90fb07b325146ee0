"""The page: a person sits down before a camera and gets calibrated, shown, recorded and replayed, all on
this machine.

`server.py` has the routes, `guard.py` who may use them, `sitting.py` what happens in between, `tracking.py`
the thread that turns frames into gaze; `static/` is the page itself: HTML, CSS and small modules, no build
step, nothing from elsewhere.
"""
