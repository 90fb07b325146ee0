"""What a gaze costs: metering, recordings of power, the blocks in them, and the figures that follow
(docs/platforms.md).

    meter or recording -> Trace -> find_blocks -> figures -> CostRow -> comparison

A meter (`costs.meters`) and a recording (`costs.traces`) both end in a `Trace`, so that whatever can be said
of one can be said of the other, and a measurement can be kept and analysed again.
"""
