"""What keeps a store in shape: seal, forget, reindex, reembed, back up, restore, migrate."""
