def test_tiny_journey(journey):
    assert journey.runs["evaluate"].status().state == "done"
