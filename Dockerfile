# Boldcast in a container: docker build -t boldcast . && docker run -p 8501:8501 boldcast
FROM debian:bookworm-slim

# The graphics packages serve the print-quality stills (VTK, off screen); the app runs without.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates python3 python3-venv \
      libegl1 libegl-mesa0 libgl1-mesa-dri \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 boldcast
WORKDIR /home/boldcast/app

COPY requirements.txt .
RUN python3 -m venv /opt/boldcast \
 && /opt/boldcast/bin/python -m pip install --no-cache-dir -r requirements.txt
ENV PATH=/opt/boldcast/bin:$PATH
ENV VTK_DEFAULT_OPENGL_WINDOW=vtkEGLRenderWindow

COPY .streamlit .streamlit
COPY assets assets
COPY models models
COPY components components
COPY app app
COPY LICENSE NOTICE ./

# Mesh files and, later, fetched weights live here: mount a volume to keep them.
RUN mkdir -p /home/boldcast/data && chown -R boldcast /home/boldcast
ENV BOLDCAST_HOME=/home/boldcast/data
USER boldcast

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/boldcast/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app/server.py", "--server.address=0.0.0.0", "--server.headless=true"]
