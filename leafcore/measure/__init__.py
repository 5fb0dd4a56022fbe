"""What is measured on images and on predictions."""
