//! What is copied to the host and waited for, which is never on the frame path.

use super::GpuEngine;
use crate::engine::EngineError;

impl GpuEngine {
    fn commands(&self) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("copy") })
    }

    /// Copies `source` to the host and waits for it.
    pub(super) fn read_buffer(&self, source: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, EngineError> {
        let staging = self.staging(bytes);
        let mut encoder = self.commands();
        encoder.copy_buffer_to_buffer(source, 0, &staging, 0, bytes);
        self.gpu.queue.submit([encoder.finish()]);
        self.wait_for(&staging, <[u8]>::to_vec)
    }

    /// Copies the picture to the host and waits for it.
    pub(super) fn read_pixels(&self) -> Result<Vec<u8>, EngineError> {
        let size = self.resources.picture.size();
        let row = 4 * size.width;
        let row_padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let staging = self.staging(u64::from(row_padded) * u64::from(size.height));
        let mut encoder = self.commands();
        encoder.copy_texture_to_buffer(
            self.resources.picture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &staging,
                layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_padded), rows_per_image: None },
            },
            size,
        );
        self.gpu.queue.submit([encoder.finish()]);
        let pixels = |bytes: &[u8]| bytes.chunks_exact(row_padded as usize).flat_map(|line| &line[..row as usize]).copied().collect();
        self.wait_for(&staging, pixels)
    }

    pub(super) fn staging(&self, size: u64) -> wgpu::Buffer {
        self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Waits until `read` can be given what was copied to a staging buffer.
    pub(super) fn wait_for<T>(&self, staging: &wgpu::Buffer, read: impl FnOnce(&[u8]) -> T) -> Result<T, EngineError> {
        staging.map_async(wgpu::MapMode::Read, .., |result| {
            if let Err(error) = result {
                log::error!("mapping a staging buffer: {error}");
            }
        });
        // Which runs what is to be called once it is mapped, too.
        self.gpu.wait()?;
        let bytes = staging.get_mapped_range(..).map(|bytes| read(&bytes)).map_err(|e| EngineError::Graphics(e.to_string()));
        staging.unmap();
        bytes
    }
}
