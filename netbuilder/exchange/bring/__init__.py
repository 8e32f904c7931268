"""From PyTorch to a project: modules and exported programs (`.pt2`) become graphs to edit."""
