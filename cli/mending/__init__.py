"""What a dead engine or a lost answer left, put right before `up` starts; clusters that go before the engine's turn.

Removal that people ask for is in `teardown`.
"""
