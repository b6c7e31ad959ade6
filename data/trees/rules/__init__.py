"""What holds for tree assessments, whoever asks: values in, verdict out."""
