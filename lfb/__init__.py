"""Long-Term Feature Banks for Detailed Video Understanding (Wu et al., CVPR 2019)."""
