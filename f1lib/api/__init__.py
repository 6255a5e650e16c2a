"""What `import f1lib` offers: a lake opened for reading, and a race model in scikit-learn's form."""
