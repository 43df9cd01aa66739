"""Values as canonical text: typed, decodable, the same text for the same value."""
